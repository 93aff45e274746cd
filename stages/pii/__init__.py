"""Personal data: what is found of each kind, and the placeholder that takes its place."""
