"""Documents whose fate two recipes disagree on, from the values that their runs have measured; before duplicates go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from pipeline.explain.replay import measured
from pipeline.recipe.recipe import Recipe


class Changed(NamedTuple):
    """One document: `before` and `after` are '' for kept, a filter's code, or ABSENT."""

    id: str
    url: str
    before: str
    after: str
    characters: int
    tokens: int


ABSENT = "absent"  # not among the documents of that recipe


def changed(a: Recipe, b: Recipe) -> Iterator[Changed]:
    """In the order of b's partitions, then those that only a has. Memory: about 150 bytes a document of a."""
    before: dict[bytes, tuple[str, str, int, int]] = {}
    for id, url, reason, characters, tokens in _fates(a):
        before[id] = (url, reason, characters, tokens)
    for id, url, reason, characters, tokens in _fates(b):
        was = before.pop(id, None)
        if was is None or was[1] != reason:
            yield Changed(id.hex(), url, was[1] if was else ABSENT, reason, characters, tokens)
    for id, (url, reason, characters, tokens) in before.items():
        yield Changed(id.hex(), url, reason, ABSENT, characters, tokens)


def _fates(recipe: Recipe) -> Iterator[tuple[bytes, str, str, int, int]]:
    for part in measured(recipe, [bound.code for bound in recipe.bounds]):
        table = part.documents
        yield from zip(
            table["id"].to_pylist(),
            table["url"].to_pylist(),
            part.reasons(recipe.bounds),
            part.characters.tolist(),
            part.tokens.tolist(),
            strict=True,
        )


def summary(rows: list[Changed]) -> list[tuple[str, str, int, int, int]]:
    """(before, after, documents, characters, tokens), most documents first."""
    documents: Counter[tuple[str, str]] = Counter()
    characters: Counter[tuple[str, str]] = Counter()
    tokens: Counter[tuple[str, str]] = Counter()
    for row in rows:
        key = (row.before, row.after)
        documents[key] += 1
        characters[key] += row.characters
        tokens[key] += row.tokens
    order = sorted(documents, key=lambda key: (-documents[key], key))
    return [(*key, documents[key], characters[key], tokens[key]) for key in order]
