"""State machines: each aggregate of the promotion kernel against a small model of its own, checked after every step."""
