"""From committed shards to a release folder with its manifest, and the proof that it is whole."""
