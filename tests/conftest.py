"""What many tests stand on: one run of the golden sample, a server, a state of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from pipeline.store import objects
from tests.clusters import head
from tests.runs import QUICKSTART, places, seimai
from tests.s3_servers import Proxy, empty, moto, proxy, use
from tests.servers import Server, serving

# The first example may compile a kernel, and whether it does depends on which test ran before: seconds fail no test.
settings.register_profile("seimai", deadline=None)
settings.load_profile("seimai")


@pytest.fixture(scope="session", autouse=True)
def state_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """`seimai run` remembers the last recipe; a test must not make the user's `seimai trace` look elsewhere."""
    before = os.environ.get("XDG_STATE_HOME")
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))
    yield
    os.environ.pop("XDG_STATE_HOME")
    if before is not None:
        os.environ["XDG_STATE_HOME"] = before


@pytest.fixture(scope="session")
def golden_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `work` and `release` of a finished, undisturbed run of the quickstart recipe. Do not write in it."""
    folder = tmp_path_factory.mktemp("golden")
    ran = seimai("run", QUICKSTART, "--runner", "local", "--workers", 1, *places(folder))
    assert ran.code == 0, ran.err
    return folder


@pytest.fixture(scope="session")
def cluster() -> Iterator[dict[str, str]]:
    """The environment to submit with, for a Ray head of two CPUs on this machine."""
    with head("jobs") as environment:
        yield environment


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """The address of an S3 in this process."""
    with moto() as endpoint:
        yield endpoint


@pytest.fixture
def between(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A proxy to an empty bucket that passes everything on until it is told otherwise; no wait is longer than it must be."""
    empty(endpoint)
    monkeypatch.setattr(objects, "_FIRST_WAIT", 0.001)
    monkeypatch.setattr(objects, "_LONGEST_WAIT", 0.01)
    with proxy(endpoint) as server:
        use(server.url, monkeypatch)
        yield server


@pytest.fixture
def server() -> Iterator[Server]:
    """A web server on this machine that does what a test tells it."""
    with serving() as server:
        yield server
