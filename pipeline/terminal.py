"""What goes to a terminal: pages are told of, never obeyed.

A URL, a host or an excerpt of a page can hold the escape sequences that a terminal follows (colours, titles, the clipboard),
and marks that turn the reading direction, so that a line reads as another. All verbs print what came from a page through here.
"""

from __future__ import annotations

import re

# C0 but for tab and line feed, DEL, C1, and the marks and overrides of direction (UAX 9).
_OBEYED = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|[\ud800-\udfff]")


def harmless(text: str) -> str:
    """The text with what a terminal would obey, or cannot take, as an escape such as \\x1b."""
    return _OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def say(line: str) -> None:
    """Print one or more lines of data to stdout."""
    print(harmless(line))
