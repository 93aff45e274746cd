"""Is it Japanese? A language model, and the evidence that each paragraph shows."""
