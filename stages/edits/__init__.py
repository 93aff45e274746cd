"""Edits within a page: declared as spans over the extracted text, with examples that are tested."""
