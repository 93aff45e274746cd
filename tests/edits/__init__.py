"""What changes a text after extraction: edits and masks."""
