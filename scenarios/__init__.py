"""Scenarios: the plays, one file each. A `def` without `turn` is a rule: values in, values out; one with `turn` is a
step."""
