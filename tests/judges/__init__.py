"""Programs of others that judge our own: each is run as a process of its own, told what we tell and asked what we ask."""
