"""Hosts by suffix, on label boundaries: example.jp holds example.jp and www.example.jp, never notexample.jp."""

from __future__ import annotations

from collections.abc import Iterable

from stages.hosts import canonical, host_of


class HostSuffixes:
    """A set of host names; `holds` costs one look-up a label, however many there are."""

    def __init__(self, names: Iterable[str]) -> None:
        """ValueError for what is no host name."""
        self.names = frozenset(map(_checked, names))

    def holds(self, host: str) -> bool:
        """Whether `host`, in any spelling, is one of the names or lies under one."""
        rest = canonical(host.strip("[]"))
        if _is_address(rest):
            return rest in self.names
        while rest and rest not in self.names:
            rest = rest.partition(".")[2]
        return bool(rest)

    def top_labels(self) -> frozenset[str] | None:
        """The last labels of all names; None where one is an IP address, which has no such label."""
        if any(map(_is_address, self.names)):
            return None
        return frozenset(name.rpartition(".")[2] for name in self.names)


def _checked(name: str) -> str:
    if host := canonical(name.strip("[]")):
        return host
    inner = host_of(name) or canonical(name.lstrip("*."))
    raise ValueError(
        f"{name!r} is no host name" + (f"; write {inner!r}: hosts under it are meant too" if inner else "")
    )


def _is_address(host: str) -> bool:
    """Of a host as `canonical` writes it: no name there ends in a digits-only label."""
    return ":" in host or host.rpartition(".")[2].isdigit()
