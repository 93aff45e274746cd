"""The `extract` stages, a kind of source each."""
