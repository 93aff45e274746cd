"""A Ray cluster of two nodes on this machine, and how to hurt it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from tests.runs import ROOT

HERE = Path(__file__).resolve().parent
# What driver, nodes and workers run under. Ray's own files lie apart from those of any other cluster of this machine.
ENVIRONMENT = {
    "RAY_AUTH_MODE": "disabled",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_gcs_rpc_server_reconnect_timeout_s": "3",  # without its head the cluster gives up after so long
    "RAY_raylet_start_wait_time_s": "60",
    # Every clock goes back an hour in the middle of its work; and workers import what the driver does.
    "PYTHONPATH": os.pathsep.join([str(HERE / "clock"), str(ROOT)]),
    "CI": "1",
}
_NODE = {"num_cpus": 1, "object_store_memory": 80_000_000, "include_dashboard": False}


class TwoNodes:
    """A head and a second node of one CPU each; `heal` replaces what was killed. Processes are known by their ids."""

    def __init__(self) -> None:
        self._cluster: Any = None
        self._second: Any = None
        self._seen: dict[int, float] = {}  # worker -> when it was created
        self.starts = 0

    @property
    def address(self) -> str:
        return str(self._cluster.address)

    def heal(self) -> None:
        """Start what is not there or not alive."""
        from ray.cluster_utils import Cluster

        if self._cluster is not None and not self._alive(self._cluster.head_node, "raylet", "gcs_server"):
            self.stop()
        if self._cluster is None:
            self._cluster = Cluster(initialize_head=True, head_node_args=dict(_NODE), shutdown_at_exit=False)
            self._second, self.starts = None, self.starts + 1
        if self._second is not None and not self._alive(self._second, "raylet"):
            self._cluster.remove_node(self._second, allow_graceful=False)
            self._second = None
        if self._second is None:
            self._second = self._cluster.add_node(**_NODE)

    def stop(self) -> None:
        """End everything of this cluster, and its workers too, that stopped ones survive."""
        self.workers()
        if self._cluster is not None:
            for node in (self._second, self._cluster.head_node):
                if node is not None:
                    with contextlib.suppress(Exception):  # what was killed already cannot be asked to end
                        self._cluster.remove_node(node, allow_graceful=False)
        self._cluster = self._second = None
        for worker, created in self._seen.items():
            with contextlib.suppress(psutil.Error):
                if psutil.Process(worker).create_time() == created:
                    psutil.Process(worker).kill()
        self._seen.clear()

    def workers(self, *, busy: bool = False, second: bool = False) -> list[int]:
        """Processes that run tasks: all, those at work, or those of the second node."""
        found = []
        for raylet in self._pids(self._second, "raylet") + ([] if second else self._pids(self._head, "raylet")):
            with contextlib.suppress(psutil.Error):
                for process in psutil.Process(raylet).children(recursive=True):
                    title = " ".join(process.cmdline())
                    if title.startswith("ray::_execute" if busy else ("ray::_execute", "ray::IDLE")):
                        self._seen[process.pid] = process.create_time()
                        found.append(process.pid)
        return sorted(found)

    def guards(self) -> list[int]:
        """Children of workers, that parse pages."""
        found = []
        for worker in self.workers():
            with contextlib.suppress(psutil.Error):
                found += [c.pid for c in psutil.Process(worker).children() if "stages.guard" in " ".join(c.cmdline())]
        return sorted(found)

    def raylet(self) -> list[int]:
        """That of the second node."""
        return self._pids(self._second, "raylet")

    def head(self) -> list[int]:
        return self._pids(self._head, "gcs_server")

    @property
    def _head(self) -> Any:
        return None if self._cluster is None else self._cluster.head_node

    def _alive(self, node: Any, *kinds: str) -> bool:
        return all(self._pids(node, kind) for kind in kinds)

    def _pids(self, node: Any, kind: str) -> list[int]:
        found = [] if node is None else node.all_processes.get(kind, [])
        return [each.process.pid for each in found if each.process.poll() is None]


def end(process: int, how: signal.Signals = signal.SIGKILL) -> bool:
    """Whether there was such a process to send it to."""
    try:
        os.kill(process, how)
    except ProcessLookupError:
        return False
    return True


@contextlib.contextmanager
def two_nodes() -> Iterator[TwoNodes]:
    """A cluster, ended with the context. Ray must not have been imported yet: it reads these variables at import."""
    folder = tempfile.mkdtemp(prefix="seimai-", dir="/tmp")  # a short path: Ray's sockets lie in it
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("RAY_")]:
        del os.environ[name]
    os.environ |= {**ENVIRONMENT, "RAY_TMPDIR": folder}
    nodes = TwoNodes()
    try:
        yield nodes
    finally:
        nodes.stop()
        os.environ.clear()
        os.environ |= before
        shutil.rmtree(folder, ignore_errors=True)
