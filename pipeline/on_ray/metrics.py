"""The numbers of a run as Ray metrics, for a dashboard. Advisory: what counts are the sums over the markers."""

from __future__ import annotations

from collections.abc import Mapping

from ray.util.metrics import Gauge

PREFIX = "seimai_"


class Gauges:
    """One gauge a number, made with the first value."""

    def __init__(self) -> None:
        self._gauges: dict[str, Gauge] = {}

    def set(self, numbers: Mapping[str, float]) -> None:
        for name, value in numbers.items():
            if name not in self._gauges:
                told = name.replace("_", " ")
                self._gauges[name] = Gauge(PREFIX + name, description=f"{told} of the run that goes on")
            self._gauges[name].set(float(value))
