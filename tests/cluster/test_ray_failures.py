"""What Ray says when a node, or the memory of one, goes: told apart, and the numbers of a run on its metrics port."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

from tests.runs import ROOT

# In a process of its own: Ray keeps threads and an address for as long as the process lives.
SCRIPT = textwrap.dedent(
    """
    import os, sys, time, urllib.request
    from dataclasses import dataclass
    from pathlib import Path

    os.environ |= {"RAY_AUTH_MODE": "disabled", "RAY_memory_usage_threshold": "1.0", "RAY_USAGE_STATS_ENABLED": "0"}
    import ray
    from ray.cluster_utils import Cluster

    root, port = sys.argv[1], int(sys.argv[2])
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "metrics_export_port": port})
    lost = cluster.add_node(num_cpus=1, memory=2 << 30)
    os.environ["RAY_ADDRESS"] = cluster.address

    from pipeline.commit.commit import stage_fingerprint
    from pipeline.tasks.executor import NodeLostError
    from pipeline.tasks.needs import Needs
    from pipeline.on_ray import RayTasks
    from pipeline.tasks.task import PartRef, Unit
    from stages.base import SourceFile
    from tests.engine.test_commit import Numbers

    @dataclass(frozen=True)
    class Slow(Numbers):
        def run(self, inputs, sink):
            Path(root, "begun").touch()
            time.sleep(60)

    file = Path(root, "input")
    file.write_bytes(b"x")

    def unit(stage, memory, sha256):
        part = PartRef("p", "s", 0, SourceFile(str(file), sha256, 1), {})
        return Unit("u", (stage,), (stage_fingerprint(stage),), (part,), 1, Needs(memory=memory))

    executor = RayTasks(root, 0)
    assert executor.workers == 1, executor.workers
    executor.submit(unit(Numbers(), 1 << 50, "ab" * 32))  # more than any node has: it asks for what the largest has
    while not (ended := executor.wait(1)):
        pass
    assert ended[0].result is not None and ended[0].result.ran == ("numbers",), ended

    executor.publish({"documents": 1234.0})
    executor.submit(unit(Slow(), 1 << 30, "cd" * 32))
    while not Path(root, "begun").exists():
        assert not executor.wait(0.2)
    cluster.remove_node(lost, allow_graceful=False)
    ended = []
    while not ended:
        ended = executor.wait(1)
    assert isinstance(ended[0].error, NodeLostError), repr(ended[0].error)

    deadline = time.monotonic() + 40
    while True:
        try:
            told = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read().decode()
        except OSError:
            told = ""
        if any(line.startswith("ray_seimai_documents") and line.endswith(" 1234.0") for line in told.splitlines()):
            break
        assert time.monotonic() < deadline, [line for line in told.splitlines() if "seimai" in line]
        time.sleep(0.5)
    executor.close()
    cluster.shutdown()
    print("all of it")
    """
)


def test_a_lost_node_is_told_apart_and_metrics_are_seen(tmp_path: Path) -> None:
    from tests.clusters import free_port

    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")}
    ran = subprocess.run(
        [sys.executable, script, tmp_path, str(free_port())],
        cwd=ROOT,
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "all of it" in ran.stdout
