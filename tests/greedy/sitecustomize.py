"""A stage that eats memory in a worker of Ray: for processes that have this folder on their PYTHONPATH, and no others.

A text that begins with 食【 makes the counting of its tokens hold 256 MB more every tenth of a second, for as long as the
worker lives (or until it has 6 GB: then nobody minds, and what the run says will show it).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from stages.sink import Sink

_STEP, _MOST = 256 << 20, 6 << 30


def _greed() -> None:
    from stages.measure.tokens import Tokens

    count = Tokens.rows

    def rows(self: Tokens, batch: Mapping[str, pa.Table], sink: Sink) -> pa.Table:
        if any(text.startswith("食【") for text in batch["extract"]["text"].to_pylist()):
            held = []
            while len(held) * _STEP < _MOST:
                held.append(b"\x01" * _STEP)
                time.sleep(0.1)
        return count(self, batch, sink)

    Tokens.rows = rows  # type: ignore[method-assign]


if any(argument.endswith("default_worker.py") for argument in sys.orig_argv):
    _greed()
