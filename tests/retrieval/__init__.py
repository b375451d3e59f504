"""检索 retrieval: what customers type, and the answer that should come: `python -m tests.retrieval`."""
