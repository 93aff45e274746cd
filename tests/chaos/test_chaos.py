"""A little chaos; `python -m tests.chaos` has more of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.full_disk import available, fill_up
from tests.kill_corpus import kill_corpus
from tests.runs import ROOT, places, seimai, tree


def test_kills_on_two_nodes_do_not_show(tmp_path: Path) -> None:
    # A process of its own: Ray reads its variables when it is imported, and other tests have done that.
    command = [sys.executable, "-m", "tests.chaos", "--kills", "4", "--in-trial", "4", "--files", "4", "--seed", "7"]
    command += ["--folder", str(tmp_path / "chaos")]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert ran.returncode == 0, ran.stderr[-4000:]
    assert "1 of 1 trials left the same" in ran.stdout
    assert "\n4 kills (" in ran.stdout


@pytest.mark.skipif(not available(), reason="no file system can be mounted here")
def test_a_full_disk_costs_a_rerun(tmp_path: Path) -> None:
    recipe = kill_corpus(tmp_path)
    runs = fill_up(recipe, tmp_path / "full", 800)
    assert len(runs) > 1, "it was never full"
    assert [code for _, code, _, _ in runs[:-1]] == [1] * (len(runs) - 1)
    assert [tracebacks for _, _, tracebacks, _ in runs] == [0] * len(runs)
    assert all(told for _, _, _, told in runs[:-1])
    ran = seimai("run", recipe, "--runner", "local", "--workers", 1, *places(tmp_path / "roomy"))
    assert ran.code == 0, ran.err
    for name in ("release", "work/stages"):
        assert tree(tmp_path / "full" / name) == tree(tmp_path / "roomy" / name)
