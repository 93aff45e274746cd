"""A job submitted to a real cluster: works, shows progress, fails as a job when the run falls short."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.runs import ROOT, places, tree

BIN = Path(sys.executable).parent


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment to submit with, for a head of two CPUs on this machine."""
    folder = Path("/tmp") / f"ray-{os.getpid()}"  # a short path: Ray's sockets lie in it
    dashboard, gcs = free_port(), free_port()
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("RAY_")},
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "RAY_AUTH_MODE": "disabled",
        "RAY_USAGE_STATS_ENABLED": "0",
        "CI": "1",
    }
    head = subprocess.Popen(
        [
            *(str(BIN / "ray"), "start", "--head", "--block", "--num-cpus=2", f"--port={gcs}"),
            *(f"--dashboard-port={dashboard}", "--dashboard-host=127.0.0.1", "--object-store-memory=100000000"),
            *(f"--temp-dir={folder}", "--disable-usage-stats", f"--dashboard-agent-listen-port={free_port()}"),
        ],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert head.stdout is not None
    said = ""
    for line in head.stdout:
        said += line
        if "--block" in line:
            break
    else:
        pytest.fail(f"the cluster did not start: {said}")
    try:
        yield {**environment, "RAY_API_SERVER_ADDRESS": f"http://127.0.0.1:{dashboard}"}
    finally:
        for process in [*psutil.Process(head.pid).children(recursive=True), psutil.Process(head.pid)]:
            process.kill()  # not `ray stop`: it would end every cluster of this machine
        head.communicate()
        shutil.rmtree(folder, ignore_errors=True)


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
