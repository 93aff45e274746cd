"""The commit protocol: what is written, under which name, when it counts, and what is remembered of it."""
