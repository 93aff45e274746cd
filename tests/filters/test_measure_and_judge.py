"""Measuring without bounds, judging without texts."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stages.measure.measure
from filters import FAMILIES
from filters.base import Family
from filters.text import Text
from stages.documents import DOCUMENTS, document
from stages.edits.edits import EDITS_TYPE
from stages.measure.judge import ERROR, Bound, Judge, Verdict
from stages.measure.measure import Measure
from tests.sinks import MemorySink

PROSE = "きょうは天気がよいので、公園まで歩きました。池のまわりでは、子どもたちが遊んでいました。"
TEXT_FAMILIES = [name for name, family in FAMILIES.items() if family.view is Text]


def documents(*texts: str) -> dict[str, pa.Table]:
    rows = [document(id=bytes([i] * 16), url=f"u{i}", text=text) for i, text in enumerate(texts)]
    edits = pa.table({"edits": pa.array([[] for _ in texts], EDITS_TYPE)})
    return {"extract": pa.Table.from_pylist(rows, schema=DOCUMENTS), "edits": edits}


def sink_for(stage: Measure | Judge) -> MemorySink:
    return MemorySink({"rows": stage.layout()})


class Batches:
    """Stands where a partition's part stands: hands out one batch."""

    def __init__(self, batch: Mapping[str, pa.Table]) -> None:
        self.part = self
        self._batch = batch

    def groups(self, columns: object) -> list[Mapping[str, pa.Table]]:
        return [self._batch]


def test_families_run_together_measure_what_they_measure_alone() -> None:
    batch = documents(PROSE, "", "ABC 123", PROSE * 3)
    stages = [Measure(name) for name in TEXT_FAMILIES]
    sinks = [sink_for(stage) for stage in stages]
    Measure.run_together(stages, Batches(batch), sinks)  # type: ignore[arg-type]
    for stage, sink in zip(stages, sinks, strict=True):
        assert sink.table().equals(stage.rows(batch, sink_for(stage)))


def test_filters_see_the_edited_text() -> None:
    batch = documents("ｶﾀｶﾅﾊﾞｶﾘ")
    folded = documents("カタカナバカリ")
    batch["edits"] = pa.table({"edits": pa.array([[{"start": 0, "end": 8, "text": "カタカナバカリ"}]], EDITS_TYPE)})
    for name in TEXT_FAMILIES:
        stage = Measure(name)
        assert stage.rows(batch, sink_for(stage)).equals(stage.rows(folded, sink_for(stage)))


def test_a_document_that_cannot_be_measured_costs_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    family = FAMILIES["script"]

    def explode(text: Text) -> float:
        if "爆発" in text.text:
            raise ValueError("boom")
        return 1.0

    broken = dataclasses.replace(family.filters[0], measure=explode)
    monkeypatch.setattr(
        stages.measure.measure, "FAMILIES", {"script": Family("script", "JA1", Text, (broken, *family.filters[1:]))}
    )
    stage = Measure("script")
    sink = sink_for(stage)
    values = stage.rows(documents(PROSE, "爆発", PROSE), sink).to_pylist()
    assert [row["JA101"] for row in values] == [1.0, None, 1.0]
    assert set(values[1].values()) == {None}
    assert [(lost["url"], lost["error"]) for lost in sink.quarantined] == [("u1", "ValueError: boom")]


def judged(
    reasons: list[str], values: list[float | None], *bounds: Bound
) -> tuple[list[dict[str, object]], MemorySink]:
    stage = Judge(bounds or (Bound("JA101", 0.2, 0.8),))
    sink = sink_for(stage)
    n = len(reasons)
    batch = {
        "extract": pa.table({"reason": pa.array(reasons, pa.string())}),
        "tokens": pa.table({"characters": [10] * n, "tokens": [5] * n}),
        "language": pa.table({"japanese": pa.array([0.9] * n, pa.float64())}),
        "measure-script": pa.table({b.code: pa.array(values, pa.float64()) for b in stage.bounds}),
    }
    return stage.rows(batch, sink).to_pylist(), sink


@pytest.mark.parametrize(("value", "keep"), [(0.2, True), (0.8, True), (0.19999, False), (0.80001, False), (0.5, True)])
def test_bounds_are_inclusive(value: float, keep: bool) -> None:
    rows, _ = judged([""], [value])
    assert rows[0] == {"keep": keep, "reason": "" if keep else "JA101", "failed": [] if keep else ["JA101"]}


def test_the_reason_is_the_first_failing_code_and_all_are_told() -> None:
    rows, _ = judged([""], [0.0], Bound("JA101", 0.2, None), Bound("JA102", None, 1.0), Bound("JA103", 0.5, None))
    assert rows[0] == {"keep": False, "reason": "JA101", "failed": ["JA101", "JA103"]}


def test_what_extraction_rejected_keeps_that_reason() -> None:
    rows, _ = judged(["extract.empty"], [0.5])
    assert rows[0]["reason"] == "extract.empty"


def test_what_was_not_measured_is_never_kept() -> None:
    rows, sink = judged([""], [None])
    assert (rows[0]["keep"], rows[0]["reason"]) == (False, ERROR)
    assert sink.reasons == {ERROR: 1}


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(["", "extract.empty"]), st.floats(0, 1)), max_size=20))
def test_documents_in_are_documents_kept_and_rejected(rows: list[tuple[str, float]]) -> None:
    verdicts, sink = judged([reason for reason, _ in rows], [value for _, value in rows])
    assert sink.counters["documents"] == sink.counters["kept"] + sum(sink.reasons.values()) == len(rows)
    assert sink.counters["kept.characters"] == 10 * sum(bool(v["keep"]) for v in verdicts)


def test_the_last_word_adds_to_the_first() -> None:
    stage = Verdict((Bound("JA601", 0.5, None),))
    before = [
        {"keep": True, "reason": "", "failed": []},
        {"keep": False, "reason": "JA101", "failed": ["JA101"]},
        {"keep": True, "reason": "", "failed": []},
    ]
    batch = {
        "judge": pa.Table.from_pylist(before, schema=stage.layout()),
        "tokens": pa.table({"characters": [1] * 3, "tokens": [1] * 3}),
        "measure-grammar": pa.table({"JA601": pa.array([0.1, None, 0.9], pa.float64())}),
    }
    sink = sink_for(stage)
    assert [row["reason"] for row in stage.rows(batch, sink).to_pylist()] == ["JA601", "JA101", ""]
    assert sink.reasons == {"JA601": 1, "JA101": 1}
