"""Masking of personal data in text that leaves with a release: what is found is replaced by a placeholder a kind.

Applied by `write` alone: filters, MinHash and dedup see the text as it was, so that masking never changes what is kept.
It is a net with the meshes that its kinds state (`keep:`, `misfire:`, `missed:` of each), no promise of anonymity.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from stages.pii import mail, numbers, optional, phone
from stages.pii.base import DIGITS, Kind
from stages.spans import apply

# Raised whenever the same text may be masked in another way; in the fingerprint of `write` and in the manifest.
VERSION = 1

# In the order in which they are masked: what may hold digits of another kind comes before it.
_ORDER = (
    optional.name_address,
    mail.mail,
    optional.ip,
    numbers.my_number,
    numbers.card,
    optional.bank_account,
    phone.phone,
)
KINDS: Mapping[str, Kind] = {each.name: each for each in _ORDER}
DEFAULT: tuple[str, ...] = ("my_number", "card", "mail", "phone")

# What a text must have to hold anything of a default kind: ten digits in groups, or an at sign however it is spelled.
_LOOK = re.compile(
    f"[{DIGITS}{mail.AT_FIRST}](?:(?<=[{DIGITS}]){numbers.NINE_MORE}|(?<=[@＠])|(?<=[^{DIGITS}@＠]){mail.AT_REST})",
    re.IGNORECASE,
)


class Masked(NamedTuple):
    """A masked text, and how many spans of each kind were replaced (kinds of which none was found are not there)."""

    text: str
    counts: dict[str, int]


def mask(text: str, kinds: Sequence[str] = DEFAULT) -> Masked:
    """`text` with every span of `kinds` replaced by its placeholder. Total, deterministic, idempotent, O(len(text)).

    Raises ValueError naming a kind that there is not.
    """
    chosen = select(kinds)
    if not text or (set(chosen) <= set(DEFAULT) and not _LOOK.search(text)):
        return Masked(text, {})
    counts: dict[str, int] = {}
    for name in chosen:
        spans = list(KINDS[name].find(text))
        if spans:
            text = apply(text, spans)
            counts[name] = len(spans)
    return Masked(text, counts)


def select(kinds: Iterable[str]) -> tuple[str, ...]:
    """The kinds in the order in which they are masked, each once. Raises ValueError naming one that there is not."""
    wanted = set(kinds)
    unknown = sorted(wanted - set(KINDS))
    if unknown:
        raise ValueError(f"no kind of personal data is called {unknown[0]!r}; known are {', '.join(KINDS)}")
    return tuple(name for name in KINDS if name in wanted)
