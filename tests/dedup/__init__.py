"""Duplicates within a run, against indexes, and lines that pages share."""
