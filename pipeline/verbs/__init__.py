"""The verbs of the command line: each says what a library module found. They print, and decide nothing."""
