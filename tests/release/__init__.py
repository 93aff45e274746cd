"""What leaves: manifest, exports, verification, removals."""
