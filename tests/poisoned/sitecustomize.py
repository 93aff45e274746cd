"""Real violence in the real extractor's child: for processes that have this folder on their PYTHONPATH, and no others.

A page that holds 毒【segfault】 does in the child what `tests.guard_targets.serve` does for b"segfault". Python imports this file
by its name when it starts, so nothing of the pipeline knows of it.
"""

from __future__ import annotations

import re
import sys
from typing import Any

import stages.guard

_ASKED = re.compile("毒【(.+?)】".encode())
DEADLINE, MEMORY = 8.0, 1 << 30  # seconds and bytes instead of the extractor's, which are far above any page


def _poison() -> None:
    import stages.html
    from tests.guard_targets import serve as misbehave

    extract = stages.html.serve

    def serve(payload: bytes) -> bytes:
        if asked := _ASKED.search(payload):
            misbehave(asked[1])
        return extract(payload)

    stages.html.serve = serve


def _hurry() -> None:
    begin = stages.guard.Guard.__init__

    def hasty(self: stages.guard.Guard, target: str, **_: Any) -> None:
        begin(self, target, deadline=DEADLINE, memory=MEMORY)

    stages.guard.Guard.__init__ = hasty  # type: ignore[method-assign]


if "stages.guard" in sys.orig_argv:
    del sys.modules["stages.guard"]  # it runs as __main__
    _poison()
else:
    _hurry()
