"""Ray: placement of tasks on a cluster, and nothing else. The only place that imports it."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

# Before ray is imported: these are read at import. No token for a cluster that only this machine can reach: with the
# mode unset, `ray.init` would make one and a second shell without it could not attach.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
if not os.environ.get("RAY_ADDRESS"):
    os.environ.setdefault("RAY_AUTH_MODE", "disabled")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # Ray warns of its coming default otherwise

import ray
from ray.exceptions import LocalRayletDiedError, NodeDiedError, OutOfMemoryError, RayError, RayTaskError

from pipeline.errors import UsageError
from pipeline.on_ray.metrics import Gauges
from pipeline.on_ray.turns import ClusterTurns, Desk
from pipeline.tasks.executor import WINDOW, Executor, Finished, MemoryKillError, NodeLostError, WorkerDiedError
from pipeline.tasks.needs import Needs
from pipeline.tasks.task import Result, Unit, execute

_OBJECT_STORE = 200_000_000  # bytes; tasks pass names of files, never data
_LOOK_EVERY = 30.0  # seconds between two looks at which nodes there are


class RayTasks(Executor):
    """Units as Ray tasks: on the cluster of RAY_ADDRESS when it is set, else on a local Ray of `workers` CPUs."""

    def __init__(self, root: str, workers: int, scratch: int = 0) -> None:
        super().__init__()
        attached = bool(os.environ.get("RAY_ADDRESS"))
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        if not attached:
            options |= {
                "address": "local",  # else Ray looks for a cluster that somebody has started on this machine
                "num_cpus": workers or os.cpu_count(),
                "object_store_memory": _OBJECT_STORE,
                "include_dashboard": False,
                "_node_ip_address": "127.0.0.1",  # nobody outside this machine is to reach it
                "_temp_dir": os.environ.get("RAY_TMPDIR"),
            }
        try:
            ray.init(**{name: value for name, value in options.items() if value is not None})
        except Exception as error:  # Ray raises bare Exception when a node does not start
            raise UsageError(_cannot_start(attached, error)) from None
        self._asked = workers  # tasks at once at most; 0: one a CPU of the cluster
        self._cpus, self._most_memory, self._looked = 1, 0, 0.0
        self._root, self._scratch = root, scratch
        self._desk: Any = None
        self._gauges = Gauges()
        self._remote: dict[tuple[float, int], Any] = {}  # cpus and memory -> how to call `_execute` with them
        self._running: dict[ray.ObjectRef[Result], tuple[int, Needs]] = {}
        self._look()

    @property
    def workers(self) -> int:
        return self._asked or self._cpus

    def publish(self, numbers: Mapping[str, float]) -> None:
        self._gauges.set(numbers)

    def wait(self, timeout: float) -> list[Finished]:
        if not self._running:
            return []
        done, _ = ray.wait(list(self._running), num_returns=1, timeout=timeout)
        if done:  # and whatever else has ended by now: a question for each would cost the more the more is in flight
            done, _ = ray.wait(list(self._running), num_returns=len(self._running), timeout=0)
        finished = [self._finish(reference) for reference in done]
        if time.monotonic() - self._looked > _LOOK_EVERY:
            self._look()
        self._fill()
        return finished

    def drop(self) -> list[int]:
        """Also what waits inside Ray, and what runs: which is which, Ray does not say."""
        handles = [*super().drop(), *(handle for handle, _ in self._running.values())]
        for reference in self._running:
            ray.cancel(reference)
        self._running.clear()
        return handles

    def close(self) -> None:
        for reference in self._running:
            ray.cancel(reference, force=True)
        ray.shutdown()

    def _fill(self) -> None:
        while self._queue and len(self._running) < (self._asked or self._cpus * WINDOW):
            handle, unit = self._queue.popleft()
            reference = self._call(unit.needs).remote(unit, self._root, self._desk_for(unit), self._scratch)
            self._running[reference] = handle, unit.needs

    def _call(self, needs: Needs) -> Any:
        """What no node has would wait for ever, so a unit asks for no more than the largest one's memory."""
        if needs.memory > self._most_memory:
            self._look()
        asked = needs.cpus, min(needs.memory, self._most_memory)
        if asked not in self._remote:
            # No retries by Ray: the driver counts attempts, and Ray's retries after an OOM kill are unlimited.
            self._remote[asked] = ray.remote(num_cpus=asked[0], memory=asked[1], max_retries=0)(_execute)
        return self._remote[asked]

    def _look(self) -> None:
        """Nodes come and go."""
        self._looked = time.monotonic()
        alive = [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
        self._cpus = max(1, int(sum(node.get("CPU", 0) for node in alive)))
        self._most_memory = int(max((node.get("memory", 0) for node in alive if node.get("CPU")), default=0))

    def _desk_for(self, unit: Unit) -> Any:
        """The desk that hands out turns, opened with the first unit that fetches; None for a unit that does not."""
        fetch = unit.parts[0].fetch
        if fetch is None:
            return None
        if self._desk is None:
            opened = ray.remote(num_cpus=0)(Desk)
            self._desk = opened.remote(fetch.network.connections, fetch.network.requests_per_second)
        return self._desk

    def _finish(self, reference: ray.ObjectRef[Result]) -> Finished:
        handle, needs = self._running.pop(reference)
        if self._desk is not None:
            self._desk.end.remote(reference.task_id().hex())
        try:
            return Finished(handle, ray.get(reference), None)
        except RayTaskError as error:
            return Finished(handle, None, error.cause if error.cause is not None else error)
        except OutOfMemoryError as error:
            return Finished(handle, None, MemoryKillError(f"declared {needs.memory / 1e9:.1f} GB: {_line(error)}"))
        except (NodeDiedError, LocalRayletDiedError) as error:
            return Finished(handle, None, NodeLostError(_line(error)))
        except RayError as error:
            return Finished(handle, None, WorkerDiedError(_line(error)))


def _execute(unit: Unit, root: str, desk: Any, scratch: int) -> Result:
    return execute(unit, root, None if desk is None else ClusterTurns(desk), scratch)


def _cannot_start(attached: bool, error: Exception) -> str:
    if attached:
        return (
            f"cannot reach the Ray cluster at RAY_ADDRESS={os.environ['RAY_ADDRESS']}: {_line(error)}; start one with "
            "`ray start --head`, set RAY_AUTH_MODE as it has it, unset RAY_ADDRESS for a local Ray, or use --runner local"
        )
    return f"a local Ray does not start: {_line(error)}; try again on a quieter machine, or use --runner local"


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]


def in_submitted_job() -> bool:
    """Whether this driver was started by `ray job submit`: its working directory is then a temporary copy."""
    return "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ


__all__ = ["RayTasks", "in_submitted_job"]
