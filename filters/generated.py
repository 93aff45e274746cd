"""Pages that are generated from the code: written anew, or held to be as they would be written."""

from __future__ import annotations

import sys
from pathlib import Path


def keep(page: Path, fresh: str, arguments: list[str], command: str) -> int:
    """Write `fresh` to the page; with `--check` write nothing and return 1, naming the command, if the page is stale."""
    if arguments not in ([], ["--check"]):
        print(f"unknown argument {arguments[0]}; use --check or none", file=sys.stderr)
        return 2
    if not arguments:
        page.write_text(fresh, encoding="utf-8")
    elif not page.exists() or page.read_text(encoding="utf-8") != fresh:
        print(f"{page.parent.name}/{page.name} is stale; run: {command}", file=sys.stderr)
        return 1
    return 0
