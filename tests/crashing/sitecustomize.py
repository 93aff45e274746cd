"""Native crashes in later stages: for processes of tasks that have this folder on their PYTHONPATH, and no others.

A text that holds 毒【script】 kills the process in which its script is measured, one that holds 毒【grammar】 that in which MeCab
gets it, one that holds 毒【write】 that in which it is masked: as a fault in C would, which ends a process without a word.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any


def _crashing(function: Callable[..., Any], word: str) -> Callable[..., Any]:
    def instead(first: Any, *more: Any, **named: Any) -> Any:
        if f"毒【{word}】" in getattr(first, "text", first):
            os.kill(os.getpid(), signal.SIGSEGV)
        return function(first, *more, **named)

    return instead


def _poison() -> None:
    import filters.text
    import filters.words
    import stages.release.write

    filters.text.Text.share = _crashing(filters.text.Text.share, "script")  # type: ignore[method-assign]
    filters.words.Words._pieces = _crashing(filters.words.Words._pieces, "grammar")  # type: ignore[method-assign]
    stages.release.write.mask = _crashing(stages.release.write.mask, "write")


if any("spawn_main" in argument or argument.endswith("default_worker.py") for argument in sys.orig_argv):
    _poison()
