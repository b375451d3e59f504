"""Programs of others that judge our own: each runs as a process of its own and is told what we are told."""
