"""What existed before the run: indexes of other corpora, and what is known to them of this one."""
