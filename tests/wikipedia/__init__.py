"""Dumps and wikitext."""
