"""Functions that a guard runs in its child: each misbehaves in one way when asked to, and echoes otherwise."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import time


def serve(payload: bytes) -> bytes:
    match payload:
        case b"pid":
            return str(os.getpid()).encode()
        case b"segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        case b"hang in C":
            hashlib.pbkdf2_hmac("sha256", b"", b"", 2_000_000_000)
        case b"sleep":
            time.sleep(600)
        case b"eat memory":
            return bytes(64 << 30)
        case b"grow":
            pieces = []
            while True:
                pieces.append(bytes([len(pieces)]) * (32 << 20))
        case b"raise":
            raise ValueError("改行\nを含む")
        case b"print":
            print("noise on stdout " * 1000, flush=True)
            os.write(1, b"noise below Python")
        case b"read stdin":
            return sys.stdin.buffer.read()
        case b"hash of a set":
            return repr({"一", "二", "三", "四", "五"}).encode()
        case b"exit":
            os._exit(3)
        case _ if payload.startswith(b"killed once "):
            flag = payload.removeprefix(b"killed once ")
            if os.path.exists(flag):
                return b"survived"
            os.close(os.open(flag, os.O_CREAT))
            os.kill(os.getpid(), signal.SIGKILL)
        case b"killed":
            os.kill(os.getpid(), signal.SIGKILL)
    return payload


def extract_unless_poisoned(payload: bytes) -> bytes:
    """What `extract` runs in its child, and an exception for pages that hold 毒."""
    from stages.html import serve as extract

    if "毒".encode() in payload:
        raise ValueError("毒")
    return extract(payload)
