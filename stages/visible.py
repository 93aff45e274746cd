"""Text for a terminal or a table: nothing hidden, nothing obeyed."""

from __future__ import annotations


def visible(text: str) -> str:
    """Line ends as ⏎; what a terminal would not show, or obey, as an escape."""
    return "".join(
        "⏎" if c == "\n" else c if c.isprintable() or c == "\u3000" else c.encode("unicode_escape").decode()
        for c in text
    )
