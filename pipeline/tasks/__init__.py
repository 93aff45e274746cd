"""One unit of work: what it runs, what it needs of a machine, who is at work on it, and what a place that runs it must offer."""
