"""One run of the golden sample, shared by the tests that look at its result."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runs import QUICKSTART, places, seimai


@pytest.fixture(scope="session")
def golden_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `work` and `release` of a finished, undisturbed run of the quickstart recipe. Do not write in it."""
    folder = tmp_path_factory.mktemp("golden")
    ran = seimai("run", QUICKSTART, "--runner", "local", "--workers", 1, *places(folder))
    assert ran.code == 0, ran.err
    return folder
