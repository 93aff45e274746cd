"""The whole program: its outputs, its command line, its pages, and violence against it."""
