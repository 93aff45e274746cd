"""When a line is a template: the rule, apart from how it is counted."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

HOSTS = np.uint64(0)  # stands for all hosts where a host is named; no host has this key


@dataclass(frozen=True)
class Rule:
    """`[template_lines]`. Counted are the documents that stay after dedup, each line once a document.

    A line is a template of a host that has it in `host_documents` and in `host_share` of its documents, or everywhere if
    `hosts` hosts have it. Lines with fewer characters than given never are: 「はい。」 is said by many.
    """

    host_documents: int = 20
    host_share: float = 0.1
    host_characters: int = 8  # of the dedup key: punctuation and blanks do not count
    host_keep: int = 0  # copies of a host's template that stay, in the documents of the lowest ids
    hosts: int = 20
    hosts_characters: int = 40
    hosts_keep: int = 1  # a press release on 20 hosts is still a text
    least: int = 100  # characters that must be left of a document that lost a line
    mask_digits: bool = False  # lines that differ in nothing but digits are the same

    def __post_init__(self) -> None:
        for name in ("host_documents", "hosts"):
            if getattr(self, name) < 2:
                raise ValueError(f"{name} must be at least 2, not {getattr(self, name)}: one copy is no template")
        for name in ("host_characters", "hosts_characters"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")
        for name in ("host_keep", "hosts_keep", "least"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, as {getattr(self, name)} is")
        if not 0 <= self.host_share <= 1:
            raise ValueError(f"host_share must be 0 to 1, not {self.host_share}")

    @property
    def shortest(self) -> int:
        return min(self.host_characters, self.hosts_characters)

    @property
    def most_kept(self) -> int:
        return max(self.host_keep, self.hosts_keep)

    def of_counting(self) -> dict[str, Any]:
        """What decides which lines are counted, and how."""
        return {"shortest": self.shortest, "kept": self.most_kept, "mask_digits": self.mask_digits}

    def of_judging(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name != "least"}


def host_keys(hosts: Sequence[str]) -> npt.NDArray[np.uint64]:
    """BLAKE2b-64 of hosts, never 0; 0 for ''. Shape (hosts,)."""
    known: dict[str, int] = {"": 0}
    for host in hosts:
        if host not in known:
            known[host] = int.from_bytes(hashlib.blake2b(host.encode(), digest_size=8).digest(), "little") or 1
    return np.array([known[host] for host in hosts], dtype=np.uint64)
