"""S3: the same requests through Arrow's client.

Credentials come from where AWS clients look for them: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the profile
(AWS_PROFILE), the role of the machine; where none are found requests go out unsigned, which public buckets take and
Common Crawl's does not. AWS_ENDPOINT_URL names another server than Amazon's, AWS_REGION the region. No message tells a
credential. Arrow names the client itself: `[network] contact` is told to web servers only.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa
from pyarrow.fs import AwsStandardS3RetryStrategy, S3FileSystem

from pipeline.acquire.transfer import BrokenError, Patience, Remote, Span, Stream
from pipeline.acquire.turns import Turns
from pipeline.errors import InputError, RefusedError, UsageError

PIECE = 1 << 24  # bytes of one GET: Arrow hands over a range when it has all of it, so what breaks costs one piece
# Arrow tells errors as text only: the AWS SDK's name of the error, with the status where the SDK has no name for it.
_ANSWER = re.compile(
    r"AWS Error (?P<name>[A-Z_]+(?: \(HTTP status \d+\))?)(?: during \w+ operation)?:? ?(?P<text>.*)", re.S
)
_MISSING = re.compile(r"NO_SUCH_KEY|NO_SUCH_BUCKET|RESOURCE_NOT_FOUND|[A-Z_]+ \(HTTP status 404\)")
_REFUSED = re.compile(
    r"ACCESS_DENIED|INVALID_ACCESS_KEY_ID|SIGNATURE_DOES_NOT_MATCH|INVALID_CLIENT_TOKEN_ID|EXPIRED_TOKEN"
    r"|UNRECOGNIZED_CLIENT|INVALID_SIGNATURE|MISSING_AUTHENTICATION_TOKEN|[A-Z_]+ \(HTTP status 40[13]\)"
)
_WRONG = re.compile(r"[A-Z_]+ \(HTTP status (30\d|400)\)")


@dataclass(frozen=True)
class S3:
    """An `Origin` over S3."""

    turns: Turns
    patience: Patience

    def look(self, url: str) -> Remote:
        with self._open(url) as (_, remote):
            return remote

    @contextlib.contextmanager
    def stream(self, url: str, span: Span) -> Iterator[Stream]:
        with self._open(url) as (file, remote):
            if span.known is not None:
                _check_same(span.known, remote)
            if remote.bytes < span.stop:
                raise InputError(
                    f"{url}: has {remote.bytes} bytes, so not the bytes {span.start} to {span.stop}; "
                    "its list or index is of another version"
                )
            yield Stream(remote, self._pieces(file, remote, span))

    def _pieces(self, file: pa.NativeFile, remote: Remote, span: Span) -> Iterator[bytes]:
        for start in range(span.start, span.stop, PIECE):
            with self.turns.take(), _told(remote.url):
                piece = file.read_at(min(PIECE, span.stop - start), start)
            if start + len(piece) >= span.stop and start > span.start:
                # Arrow cannot make a GET depend on the ETag: before the last of several pieces counts, look again.
                _check_same(remote, self.look(remote.url))
            yield piece
            if len(piece) < min(PIECE, span.stop - start):
                return

    @contextlib.contextmanager
    def _open(self, url: str) -> Iterator[tuple[pa.NativeFile, Remote]]:
        """One HEAD request."""
        path = _path(url)
        with self.turns.take(), _told(url):
            file = _filesystem(os.getpid(), self.patience).open_input_file(path)
        with file:
            told = file.metadata()
            tag = (told.get("ETag") or told.get("Last-Modified") or b"").decode()
            if not tag:
                raise UsageError(f"{url}: the server gives no ETag; download the file and name the copy")
            yield file, Remote(url, file.size(), tag)


def _check_same(known: Remote, found: Remote) -> None:
    if (known.bytes, known.tag) != (found.bytes, found.tag):
        raise InputError(
            f"{known.url}: not the content it was: {known.bytes} bytes with {known.tag} before, now {found.bytes} "
            f"bytes with {found.tag}; run again to take what is there now"
        )


def _path(url: str) -> str:
    """bucket/key."""
    path = url.split("://", 1)[1]
    bucket, _, key = path.partition("/")
    if "@" in bucket:
        raise UsageError(f"s3://…@{bucket.rpartition('@')[2]}: give credentials by the environment, not in the address")
    if not bucket or not key or key.endswith("/"):
        raise UsageError(f"{url}: not the address of one object; it is s3://bucket/key")
    return path


@contextlib.contextmanager
def _told(url: str) -> Iterator[None]:
    """Arrow's errors as those of a fetch."""
    try:
        yield
    except FileNotFoundError:
        raise _missing(url) from None
    except pa.ArrowInvalid as error:
        raise UsageError(f"{url}: not an address of S3: {error}") from None
    except OSError as error:
        raise _classed(url, str(error)) from None


def _missing(url: str) -> InputError:
    return InputError(f"{url}: there is no such object; check the name")


def _classed(url: str, message: str) -> Exception:
    answer = _ANSWER.search(message)
    name = answer["name"] if answer else "no answer"
    if _MISSING.fullmatch(name):
        return _missing(url)
    if _REFUSED.fullmatch(name):
        return RefusedError(
            f"S3 refuses us with {name} ({url}): check the credentials in the environment (AWS_PROFILE or "
            "AWS_ACCESS_KEY_ID, …) and that they may read this object"
        )
    if _WRONG.fullmatch(name):
        return InputError(f"{url}: S3 answers {name}; check AWS_REGION, and whether the credentials have run out")
    # Also where an error page did not fit into the range asked for (INTERNAL_FAILURE): the next try begins with a HEAD.
    # What a server itself writes is not repeated, it may name the key that signed; what curl says of a network is.
    text = f": {answer['text'][:200]}" if answer and name == "NETWORK_CONNECTION" else ""
    return BrokenError(f"S3: {name}{text}")


@lru_cache(maxsize=4)
def _filesystem(process: int, patience: Patience) -> S3FileSystem:
    """One client a process. It does not try again by itself: each try is a request and takes a turn."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    return S3FileSystem(
        endpoint_override=endpoint,
        connect_timeout=patience.connect,
        request_timeout=patience.silence,
        retry_strategy=AwsStandardS3RetryStrategy(max_attempts=1),
    )
