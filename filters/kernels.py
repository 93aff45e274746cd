"""How numba kernels are compiled: at the first call, never at import, and kept on disk where that is possible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def kernel(function: Kernel) -> Kernel:
    """`numba.njit` that releases the GIL and caches machine code beside the source.

    numba refuses `cache=True` outright when neither the package directory nor the user's cache directory is writable
    (a read-only container): compiling anew in each process (one to three seconds a kernel) is then the best there is.
    """
    try:
        return cast(Kernel, numba.njit(cache=True, nogil=True)(function))
    except RuntimeError:
        return cast(Kernel, numba.njit(nogil=True)(function))
