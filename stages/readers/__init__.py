"""The `extract` stages, one file a kind of source: whatever comes in, the same document rows come out."""
