"""Sets the clock of a Python process back by an hour a few seconds after it has started: Python runs this at its start."""

import os
import time

_REAL, _AFTER, _BACK = time.time, 1.0 + os.getpid() % 5, 3600.0
_BEGAN = time.monotonic()


def _time() -> float:
    return _REAL() - (_BACK if time.monotonic() - _BEGAN > _AFTER else 0.0)


time.time = _time
time.time_ns = lambda: int(_time() * 1e9)
