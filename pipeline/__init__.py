"""The orchestrator: from a recipe to a release, and what is asked of either afterwards. `cli` and `session` are the ways in."""
