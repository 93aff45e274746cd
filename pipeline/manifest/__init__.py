"""What a run hands to others: the manifest of a release, an index in a folder of its own, and how files come there."""
