"""Kept connections to web servers, on which the head of an answer must not come in drops."""

from __future__ import annotations

import contextlib
import socket
import threading
from functools import lru_cache

from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection


@lru_cache(maxsize=1)
def manager(process: int) -> PoolManager:
    """The connections of one process: a forked child must not talk on those of its parent."""
    manager = PoolManager(num_pools=16, maxsize=16)
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
    return manager


class _Punctual(HTTPConnection):
    """Breaks off when the head of an answer takes longer than the socket may be silent.

    The socket's own time-out begins anew with every byte, and http.client takes up to 6.5 MB for a head.
    """

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        sock, late = self.sock, threading.Event()
        assert sock is not None

        def break_off() -> None:
            late.set()
            with contextlib.suppress(OSError):  # closed meanwhile
                # Not SSLSocket.shutdown, which would pull the TLS layer from under the thread that reads.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

        timer = threading.Timer(float(self.timeout or 0), break_off)
        timer.daemon = True
        timer.start()
        try:
            return super().getresponse()
        finally:
            timer.cancel()
            if late.is_set():  # http.client takes a head that was cut off for a whole one
                raise TimeoutError


class _PunctualTls(_Punctual, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Punctual


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _PunctualTls
