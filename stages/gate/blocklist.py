"""Lists of hosts and domains whose pages are kept out.

A line blocks the host or domain it names and everything under it: example.co.jp blocks www.example.co.jp, not
notexample.co.jp. Understood are the `domains` files of the UT1 lists, the format of /etc/hosts (0.0.0.0 example.com),
`.example.com` and `*.example.com`, blank lines, comments after #, upper case, a byte order mark and CR LF. A line that
names a registry (jp, co.jp) is refused, as it would block a country; written *.co.jp it is meant.
"""

from __future__ import annotations

import hashlib
import re
from array import array
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from zlib import crc32

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.errors import InputError
from stages.hosts import canonical, host_of, is_registry, registries

_BUCKET = 16  # names in a bucket on average
_PLAIN = r"^(?:[a-z0-9_-]{1,63}\.){1,3}[a-z]{2,61}$"  # what nearly every line of a long list is; RE2
_TEXT = partial(pa.scalar, type=pa.large_string())
_ADDRESS = re.compile(r"[0-9.]+|[0-9a-fA-F]*:[0-9a-fA-F:.]*(?:%\w+)?")


class BlockList:
    """The names of some files, in buckets by their CRC-32: one piece of text, and where each bucket begins in it.

    Five million names take 150 MB, where a set of strings takes 650, and every worker has its own.
    """

    def __init__(self, paths: Iterable[str | Path]) -> None:
        """Raises InputError for a file that cannot be read and for a line that names no host."""
        files = [Path(path) for path in paths]
        names = pa.chunked_array([chunk for file in files for chunk in _names(file)], pa.large_string())
        names = pc.binary_join_element_wise(_TEXT(""), pc.unique(names), _TEXT("\n"))  # a line end before each
        self._count = len(names)
        self._buckets = self._count // _BUCKET + 1
        bucket = np.fromiter(_crcs(names), np.int64, self._count) % self._buckets
        order = np.argsort(bucket, kind="stable")
        ordered = names.take(pa.array(order))
        ends = np.frombuffer(ordered.buffers()[1], np.int64, self._count + 1)
        firsts = np.searchsorted(bucket[order], np.arange(self._buckets + 1))
        self._starts = array("q", ends[firsts].tobytes())
        self._text = b"".join((ordered.buffers()[2] or b"", b"\n"))
        self.sha256 = digest(files)

    def __len__(self) -> int:
        """How many different names there are."""
        return self._count

    def blocks(self, host: str) -> bool:
        """Whether `host`, as `hosts.host_of` writes it, or a domain that it lies in is listed. One look a label."""
        name = host.encode()
        while name:
            line = b"\n" + name
            at = crc32(line) % self._buckets
            if line + b"\n" in self._text[self._starts[at] : self._starts[at + 1] + 1]:
                return True
            name = name.partition(b".")[2]
        return False


def _crcs(names: pa.Array) -> Iterator[int]:
    for start in range(0, len(names), 1 << 16):  # a Python string takes three times the room of Arrow's
        for name in names.slice(start, 1 << 16).to_pylist():
            yield crc32(name.encode())


def digest(paths: Iterable[str | Path]) -> str:
    """sha256 (hex) of what the files hold, in whatever order they are given: what a fingerprint has to know of them."""
    each = sorted(hashlib.sha256(_bytes(Path(path))).hexdigest() for path in paths)
    return hashlib.sha256("\n".join(each).encode()).hexdigest()


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"block list {path}: {error.strerror}; name a file with a host or domain a line") from error


def _names(path: Path) -> Iterator[pa.Array]:
    """The names in a file: its plain lines by Arrow (5 million in seconds), what is left one by one."""
    try:
        text = _bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"block list {path}, byte {error.start}: not UTF-8; save the file as UTF-8") from error
    lines = pc.split_pattern(_TEXT(text.replace("\r\n", "\n")), "\n").values
    rules = pa.array(sorted(registries()), pa.large_string())
    wildcards = pc.replace_substring_regex(lines, r"^[^.]*", "*")
    plain = pc.and_not(
        pc.match_substring_regex(lines, _PLAIN),
        pc.or_(pc.is_in(lines, rules), pc.is_in(wildcards, rules)),
    )
    yield lines.filter(plain)
    others = np.flatnonzero(~plain.to_numpy(zero_copy_only=False))
    written = ((int(at) + 1, lines[at].as_py()) for at in others)
    yield pa.array(
        [name for number, line in written for name in _parse(line, f"block list {path}, line {number}")], lines.type
    )


def _parse(line: str, place: str) -> Iterator[str]:
    """The names in a line. InputError for what is none."""
    words = line.partition("#")[0].split()
    if len(words) > 1 and _ADDRESS.fullmatch(words[0]):
        words = [word for word in words[1:] if "." in word]  # the others are localhost, broadcasthost and their like
    elif len(words) > 1:
        raise InputError(f"{place}: {line.strip()[:100]!r}; write one host or domain a line, and comments after #")
    for word in words:
        name = canonical(word.removeprefix("*").removeprefix("."))
        if not name:
            mend = host_of(word) or "a host or domain"
            raise InputError(f"{place}: {word[:100]!r} is no host or domain; write {mend}")
        if not word.startswith("*.") and is_registry(name):
            raise InputError(f"{place}: {word!r} blocks all of .{name}; write *.{name} if that is meant")
        yield name
