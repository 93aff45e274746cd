"""The main text of a page, and the guard around the parser."""
