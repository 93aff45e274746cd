"""A job submitted to a real cluster: works, shows progress, fails as a job when the run falls short."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.clusters import BIN
from tests.runs import ROOT, places, tree


def submit(cluster: dict[str, str], *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            str(BIN / "ray"),
            "job",
            "submit",
            "--working-dir",
            ".",
            "--",
            "python",
            "-m",
            "pipeline",
            *map(str, arguments),
        ],
        cwd=ROOT,
        env=cluster,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_submitted_job_writes_the_same_release(cluster: dict[str, str], golden_run: Path, tmp_path: Path) -> None:
    job = submit(cluster, "run", "manifests/quickstart.toml", *places(tmp_path))
    assert job.returncode == 0, job.stdout + job.stderr
    assert "documents: " in job.stdout + job.stderr, "progress is in the log"
    assert tree(tmp_path / "release") == tree(golden_run / "release")


def test_a_relative_work_path_is_refused_with_the_reason(cluster: dict[str, str]) -> None:
    job = submit(cluster, "run", "manifests/quickstart.toml")
    assert job.returncode != 0
    assert "temporary copy that is deleted" in job.stdout + job.stderr


def test_a_run_that_falls_short_is_a_failed_job(cluster: dict[str, str], tmp_path: Path) -> None:
    bad = tmp_path / "bad.warc.gz"
    bad.write_bytes(b"no WARC at all")
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        f'name = "bad"\n[[source]]\nname = "s"\nkind = "warc"\nfiles = ["{bad}"]\n'
        f'[output]\nwork = "{tmp_path}/work"\nrelease = "{tmp_path}/release"\n'
    )
    job = submit(cluster, "run", recipe)
    assert job.returncode != 0
    assert "1 of the tasks failed" in job.stdout + job.stderr
