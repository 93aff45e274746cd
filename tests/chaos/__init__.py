"""Chaos: what happens to a run when anything of a cluster is killed, time and again. `python -m tests.chaos` by hand."""
