"""Commits, stores, scheduling, and what a work folder goes through."""
