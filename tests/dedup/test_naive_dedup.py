"""Dedup against the rule as it is worded, over random corpora and everything that must not show."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import stages.dedup.blocks
import stages.dedup.components
import stages.dedup.settled
import stages.dedup.spill
import stages.dedup.verify
from stages.dedup.participants import ORDERS
from tests.dedup_corpus import Document, banded, dedup, partition, prose
from tests.naive_dedup import NaiveDedup, close, taking_part

BASES = [prose(280, n) for n in range(2)]
SHORT = ["", "。。", "★", "短", "短い", "み 短い。", "四文字だ", "五文字です", "五文字デス"]


def _edited(draw: st.DrawFn) -> str:
    """A text that differs from its base in a window: any two of them are about as alike as the bound asks, or copies."""
    base = draw(st.sampled_from(BASES))
    size, at = draw(st.integers(2, 40)), draw(st.integers(0, 240))
    other = prose(size, draw(st.integers(100, 102)))
    window = base[:at] + other + base[at + size :]
    return draw(
        st.sampled_from([window, window, window, "\n".join(window) + "。", base[: at // 4 + 200], base + other])
    )


@st.composite
def documents(draw: st.DrawFn) -> list[Document]:
    """Documents of families that overlap; some with the id of another, some rejected, some with an edit."""
    found = []
    for number in range(draw(st.integers(2, 16))):
        text = draw(st.sampled_from(SHORT)) if draw(st.integers(0, 4)) == 0 else _edited(draw)
        edits = ((0, len(text) // 8, "直"),) if draw(st.integers(0, 4)) == 0 else ()
        name = str(draw(st.integers(0, number)) if draw(st.integers(0, 5)) == 0 else number)
        date = draw(st.sampled_from(["", "2023-05-01T00:00:00Z", "2024-01-01T00:00:00Z"]))
        found.append(Document(name, text, draw(st.integers(0, 7)) > 0, date, edits))
    return found


WAYS = st.fixed_dictionaries(
    {
        "order": st.lists(st.sampled_from(sorted(ORDERS)), max_size=3, unique=True).map(tuple),
        "all_pairs": st.sampled_from([1, 2, 3, 4, 6, 2000]),
        "comparisons": st.sampled_from([1, 2, 16]),
        "similarity": st.sampled_from([0.7, 0.8, 0.95]),
    }
)
# Bounds of memory, none of which may show: block, group of sidecars, buffer of a spill, keys of a range, texts at once.
SMALL = {
    (stages.dedup.blocks, "DOCUMENTS"): st.sampled_from([1, 3, 1 << 19]),
    (stages.dedup.settled, "DOCUMENTS"): st.sampled_from([1, 4, 1 << 20]),
    (stages.dedup.spill, "BUFFER"): st.sampled_from([1, 900, 1 << 27]),
    (stages.dedup.components, "KEYS"): st.sampled_from([20, 1 << 23]),
    (stages.dedup.verify, "CHARACTERS"): st.sampled_from([1, 300, 1 << 25]),
    (stages.dedup.verify, "WAITING"): st.sampled_from([1, 1 << 14]),
}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents(), WAYS, st.data())
def test_dedup_is_the_rule_as_it_is_worded(
    tmp_path_factory: pytest.TempPathFactory, corpus: list[Document], ways: dict, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("naive")
    rng = random.Random(data.draw(st.integers(0, 2**32)))
    rng.shuffle(corpus)
    many = data.draw(st.integers(1, 4))
    cut = {f"p{n}": (data.draw(st.integers(0, 2)), corpus[n::many]) for n in range(many)}
    parts = [partition(folder, id, some, f"source{rank}", rank) for id, (rank, some) in cut.items()]
    rng.shuffle(parts)
    groups: list[list] = [[] for _ in range(data.draw(st.integers(1, many)))]
    for number, part in enumerate(parts):
        groups[number % len(groups)].append(part)
    runs = banded(folder, *groups, ranges=data.draw(st.sampled_from([1, 4, 64])))
    rng.shuffle(runs)
    with pytest.MonkeyPatch.context() as bounds:
        for (module, name), sizes in SMALL.items():
            bounds.setattr(module, name, data.draw(sizes))
        done = dedup(folder, parts, runs, ranges=data.draw(st.sampled_from([1, 8])), **ways)
    expected = NaiveDedup(**ways).fates(taking_part(cut))
    name_of = {document.id: document.name for document in corpus}
    for id, (_, some) in cut.items():
        for row, (document, said) in enumerate(zip(some, done.tables[id], strict=True)):
            fate = expected.get((id, row))
            if fate is None:
                assert (document.keep, said["keep"], said["component"], said["cluster_size"]) == (False, False, None, 0)
                continue
            assert (said["keep"], said["level"], said["cluster_size"]) == (fate.keep, fate.level, fate.cluster_size)
            assert said["keeper"] == (None if fate.keeper is None else name_of[fate.keeper])
            assert said["component"] == name_of[fate.component or b""]
            assert close(said["similarity"], fate.similarity)


@pytest.mark.parametrize("all_pairs", [2000, 9])
def test_of_many_at_the_bound_only_so_many_are_compared(tmp_path: Path, all_pairs: int) -> None:
    """Signatures put them in another order than their texts: which are compared first decides who stays."""
    rng, base = random.Random(3), prose(400, 7)
    corpus = []
    for number in range(40):
        size, at = rng.randint(30, 42), rng.randrange(350)
        corpus.append(Document(f"{number}", base[:at] + prose(size, 50 + number) + base[at + size :]))
    part = partition(tmp_path, "p", corpus)
    fates = []
    for comparisons in (1, 16):
        ways = {"all_pairs": all_pairs, "comparisons": comparisons}
        fates.append(NaiveDedup(**ways).fates(taking_part({"p": (0, corpus)})))
        done = dedup(tmp_path / str(comparisons), [part], **ways)
        assert [row["keep"] for row in done.tables["p"]] == [fates[-1]["p", row].keep for row in range(40)]
        for row, said in enumerate(done.tables["p"]):
            assert close(said["similarity"], fates[-1]["p", row].similarity)
    assert fates[0] != fates[1], "the limit shows"
