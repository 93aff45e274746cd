"""What leaves: who is left out at the end, rows as a release has them, splits, and the files they are cut into."""
