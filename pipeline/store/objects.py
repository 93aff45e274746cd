"""Objects on S3, through `obstore` (bindings of Rust's object_store): patience, and errors told in one line.

Endpoint, region and credentials come from where AWS clients look for them: AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL,
AWS_REGION or AWS_DEFAULT_REGION, AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY, the keys of a profile (AWS_PROFILE), else
the role of the machine, container or service account. No message repeats what a server wrote: it may name the key.

Each payload is signed with its sha256, so a server refuses what has changed on the way to it.
"""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store as Client

from pipeline.errors import RefusedError, UnreachableError, UsageError
from pipeline.store.aws_profile import profile
from pipeline.store.places import Address

T = TypeVar("T")

TRIES = 3  # of a request that may be repeated, each with the client's own
OWN_TRIES = 8  # of one that the client must not repeat by itself
FEW_TRIES = 5  # before a run has begun: a wrong endpoint is told at once
_RETRIES = 10  # of the client, within one try
_FIRST_WAIT, _LONGEST_WAIT = 0.1, 15.0  # seconds; doubled each time, with jitter
_CONNECT, _SILENCE, _REQUEST = 5, 60, 600  # seconds: for a connection, without a byte, for a request as a whole
PIECE = 8 << 20  # bytes of a part of a multipart upload; larger where 10,000 of them would not do
_PIECES, _AT_ONCE = 9_000, 4

_KEYS = ("access_key_id", "secret_access_key", "session_token")
_ENDPOINT = re.compile(r"https?://[^@\s/?#]+(/[^@\s?#]*)?")
_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w+)</Code>")
# What may go better the next time though its status says that the request was wrong.
_PASSING = frozenset({"RequestTimeout", "SlowDown", "NoSuchUpload", "OperationAborted", "ConditionalRequestConflict"})
_PASSING_STATUS = frozenset({"408", "409", "425", "429"})


class Objects:
    """The objects under one address. Names are relative to it."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._settings = _settings()

    def get(self, name: str) -> bytes | None:
        """The content; None where there is no such object."""
        return self._read(name, lambda: bytes(obstore.get(self._client(), self._key(name)).bytes()))

    def tail(self, name: str, length: int) -> tuple[int, bytes] | None:
        """Bytes of the object and its last `length` ones."""

        def ask() -> tuple[int, bytes]:
            try:
                found = obstore.get(self._client(), self._key(name), options={"range": {"suffix": length}})
            except BaseError:
                if int(obstore.head(self._client(), self._key(name))["size"]):
                    raise
                return 0, b""  # an empty object has no last bytes, and servers say so each in its own way
            size, content = int(found.meta["size"]), bytes(found.bytes())
            if len(content) != min(length, size):
                raise CutError(f"{len(content)} bytes of {min(length, size)}")
            return size, content

        return self._read(name, ask)

    def range(self, name: str, start: int, length: int) -> bytes | None:
        def ask() -> bytes:
            content = bytes(obstore.get_range(self._client(), self._key(name), start=start, length=length))
            if len(content) != length:
                raise CutError(f"{len(content)} bytes of {length}")
            return content

        return self._read(name, ask)

    def size(self, name: str) -> int | None:
        return self._read(name, lambda: int(obstore.head(self._client(), self._key(name))["size"]))

    def put(self, name: str, content: Path | bytes) -> None:
        """Whole or not at all, in parts where it is large."""
        size = content.stat().st_size if isinstance(content, Path) else len(content)
        piece = max(PIECE, -(-size // _PIECES))

        def send() -> None:
            obstore.put(self._client(), self._key(name), content, chunk_size=piece, max_concurrency=_AT_ONCE)

        self._do(name, send)

    def create(self, name: str, content: bytes, tries: int = OWN_TRIES) -> bool:
        """Create an object; False, and no change, where there is one.

        An answer that is lost leaves open whether the server had acted: that it refuses the next try then means
        another's object or our own, and the content tells which.
        """
        lost = False
        for number in range(tries):
            try:
                obstore.put(self._client(retries=0), self._key(name), content, mode="create", use_multipart=False)
                return True
            except AlreadyExistsError:
                there = self.get(name)
                if there is not None:
                    return lost and there == content
                # Refused for another's creation that is under way, and may still come to nothing.
            except Exception as error:
                if not _is_passing(error):
                    raise self._told(name, error) from None
                lost = True
                if number == tries - 1:
                    raise self._gave_up(name, error) from None
            _wait(number)
        raise UnreachableError(f"{self.address / name}: S3 answers with conflicts and has no object; try again")

    def delete(self, name: str) -> None:
        """Harmless where there is no such object."""
        self._do(name, lambda: obstore.delete(self._client(), self._key(name)))

    def under(self, folder: str) -> Iterator[tuple[str, int, float]]:
        """Name, bytes and time of change (seconds since 1970) of everything under a folder, page by page."""
        listed = self._do(
            folder, lambda: [list(page) for page in obstore.list(self._client(), self._key(folder) or None)]
        )
        for page in listed:
            for each in page:
                yield self._name(str(each["path"])), int(each["size"]), each["last_modified"].timestamp()

    def directly_in(self, folder: str) -> list[str]:
        """Names of the objects and folders in a folder."""
        found = self._do(folder, lambda: obstore.list_with_delimiter(self._client(), self._key(folder) or None))
        paths = [*found["common_prefixes"], *(each["path"] for each in found["objects"])]
        return [self._name(str(path)) for path in paths]

    def _client(self, retries: int = _RETRIES) -> Client:
        return _client(os.getpid(), self.address.bucket, self._settings, retries)

    def _key(self, name: str) -> str:
        return (self.address / name).prefix

    def _name(self, key: str) -> str:
        return key.removeprefix(self.address.prefix).strip("/")

    def _read(self, name: str, ask: Callable[[], T]) -> T | None:
        try:
            return self._do(name, ask)
        except FileNotFoundError:
            return None

    def _do(self, name: str, act: Callable[[], T]) -> T:
        """Something that may be repeated. FileNotFoundError where there is no such object."""
        for number in range(TRIES):
            try:
                return act()
            except Exception as error:
                if not _is_passing(error):
                    raise self._told(name, error) from None
                if number == TRIES - 1:
                    raise self._gave_up(name, error) from None
            _wait(number)
        raise AssertionError("the last try returns or raises")

    def _gave_up(self, name: str, error: Exception) -> UnreachableError:
        return UnreachableError(
            f"{self.address / name}: S3 does not answer as it should: {_what(error)}; try again later"
        )

    def _told(self, name: str, error: Exception) -> Exception:
        """An error that will not pass, as one of ours."""
        if not isinstance(error, BaseError | FileNotFoundError | PermissionError):
            return error  # not of S3: a disk that is full, a bug
        place, status, code = self.address / name, *_status_and_code(error)
        if code == "NoSuchBucket":
            return UsageError(
                f"{place}: there is no bucket {self.address.bucket!r} at {self._where()}; create it, or set AWS_ENDPOINT_URL "
                "and AWS_REGION to where it is"
            )
        if isinstance(error, FileNotFoundError) or status == "404":
            return FileNotFoundError(2, "no such object", str(place))
        if _has_no_credentials(error):
            return UsageError(
                f"{place}: no credentials for S3: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN), "
                "or AWS_PROFILE, or run where the machine has a role"
            )
        if status in ("401", "403"):
            return RefusedError(
                f"S3 refuses us with {code or status} ({place}): check the credentials in the environment (AWS_PROFILE or "
                "AWS_ACCESS_KEY_ID, …) and that they may list, read, write and delete here"
            )
        return UsageError(
            f"{place}: S3 answers {_what(error)}; check AWS_REGION and AWS_ENDPOINT_URL ({self._where()})"
        )

    def _where(self) -> str:
        return dict(self._settings).get("endpoint") or f"Amazon's S3 in {dict(self._settings)['region']}"


class CutError(Exception):
    """Fewer bytes than were promised."""


def _settings() -> tuple[tuple[str, str], ...]:
    """What the environment says, for a client: endpoint, region and keys; those of a profile where it has none itself."""
    environment = os.environ
    keys = {name: environment.get(f"AWS_{name.upper()}", "") for name in _KEYS}
    found = {name: value for name, value in keys.items() if value} if keys["access_key_id"] else profile()
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or found.pop("region", "us-east-1")
    told = {**found, "region": region}
    for variable in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        if endpoint := environment.get(variable, "").rstrip("/"):
            if not _ENDPOINT.fullmatch(endpoint):
                raise UsageError(
                    f"{variable}: not the address of a server; it is http(s)://host:port, without credentials"
                )
            told["endpoint"] = endpoint
    return tuple(sorted(told.items()))


@lru_cache(maxsize=16)
def _client(process: int, bucket: str, settings: tuple[tuple[str, str], ...], retries: int) -> Client:
    """One a process, so that connections are kept."""
    own: dict[str, Any] = dict(settings)
    return Client(
        bucket,
        client_options={
            "allow_http": own.get("endpoint", "").startswith("http://"),
            "connect_timeout": timedelta(seconds=_CONNECT),
            "read_timeout": timedelta(seconds=_SILENCE),
            "timeout": timedelta(seconds=_REQUEST),
        },
        retry_config={
            "max_retries": retries,
            "retry_timeout": timedelta(minutes=3),
            "backoff": {
                "init_backoff": timedelta(seconds=_FIRST_WAIT),
                "max_backoff": timedelta(seconds=_LONGEST_WAIT),
                "base": 2,
            },
        },
        **own,
    )


def _wait(number: int) -> None:
    time.sleep(min(_LONGEST_WAIT, _FIRST_WAIT * 2**number) * random.uniform(0.5, 1))  # noqa: S311  jitter, no secret


def _status_and_code(error: Exception) -> tuple[str, str]:
    message = str(error)
    status, code = _STATUS.search(message), _CODE.search(message)
    return status[1] if status else "", code[1] if code else ""


def _is_passing(error: Exception) -> bool:
    if isinstance(error, CutError):
        return True
    if not isinstance(error, BaseError | FileNotFoundError):
        return False
    status, code = _status_and_code(error)
    if code in _PASSING or status in _PASSING_STATUS:
        return True
    return (
        not status.startswith(("3", "4"))
        and not _has_no_credentials(error)
        and not isinstance(error, FileNotFoundError)
    )


def _has_no_credentials(error: Exception) -> bool:
    """Nothing was asked of S3: the last place where the client looks for them, the machine's metadata service, has none."""
    message = str(error).partition("Debug source")[0]
    return not _CODE.search(message) and ("latest/api/token" in message or "credential" in message.lower())


def _what(error: Exception) -> str:
    """The status and S3's own name for it; where there was no answer, the kind of silence."""
    status, code = _status_and_code(error)
    if status or code:
        return " ".join(filter(None, (status, code)))
    message = str(error).lower()
    kinds = ("timed out", "connection refused", "connection reset", "connection closed", "dns error")
    return next((kind for kind in kinds if kind in message), "no answer, or one cut short")
