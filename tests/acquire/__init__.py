"""Inputs that lie elsewhere."""
