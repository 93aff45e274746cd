"""Filters, and measuring and judging by them."""
