"""Looking into a run."""
