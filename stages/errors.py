"""What can be wrong with what comes in."""

from __future__ import annotations


class InputError(Exception):
    """Input that cannot be used: one line that names the file, the place in it and the mend."""
