"""What a driver remembers of an output is what its marker says; a fingerprint that is hashed as it is told is that of the whole."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipeline.commit.commit import digest
from pipeline.commit.output import NAME_DIGITS, Output
from pipeline.tasks.task import PartRef, part_fingerprint
from stages.base import SourceFile
from tests.engine.test_commit import Numbers

HEX = st.binary(min_size=32, max_size=32).map(bytes.hex)
NAMES = st.text('abc/-é."\\日本', max_size=20)


@st.composite
def outputs(draw: st.DrawFn) -> dict[str, Any]:
    sha256 = draw(HEX | HEX.map(str.upper) | NAMES)
    regular = f"stages/x/fp/data/{draw(NAMES)}-{sha256[:NAME_DIGITS]}.parquet"
    told = {"path": draw(st.just(regular) | NAMES), "sha256": sha256, "rows": draw(st.integers(0, 2**62))}
    return told | draw(st.just({}) | st.fixed_dictionaries({"bytes": st.integers(0, 2**62)}))


@given(outputs())
def test_an_output_is_what_was_told(told: dict[str, Any]) -> None:
    output = Output.of({**told, "erased": 3})
    assert dict(output) == told
    assert len(output) == len(told)
    assert pickle.loads(pickle.dumps(output)) == output == told


def test_the_usual_name_is_not_kept_twice() -> None:
    sha256 = hashlib.sha256(b"").hexdigest()
    output = Output(f"stages/x/fp/data/{'a' * 24}-{sha256[:NAME_DIGITS]}.parquet", sha256, 1, 1)
    assert isinstance(output._packed, bytes)
    assert len(output._packed) < 80


class Barrier(Numbers):
    barrier = True


@given(
    st.lists(st.tuples(NAMES, NAMES, st.integers(), st.dictionaries(st.sampled_from(["a", '"b', "日"]), outputs()))),
    st.booleans(),
    NAMES,
)
def test_a_fingerprint_is_the_digest_of_the_list_that_is_never_made(
    told: list[tuple[str, str, int, Mapping[str, Any]]], barrier: bool, stage_fp: str
) -> None:
    requires = ("a", '"b', "日")
    parts = [PartRef(id, source, rank, None, held) for id, source, rank, held in told]
    inputs: list[Any] = []
    for part in parts:
        content = [[key, part.outputs[key]["sha256"]] for key in requires if key in part.outputs]
        inputs.append([part.id, part.source, part.rank, content] if barrier else content)
    missing = not barrier and any(len(part.outputs) < len(requires) for part in parts)
    expected = None if missing else digest([stage_fp, inputs])
    assert part_fingerprint(Barrier() if barrier else Numbers(), stage_fp, parts, requires) == expected


def test_a_reader_goes_by_the_identity_of_the_file() -> None:
    part = PartRef("p", "s", 0, SourceFile("/x", "ab" * 32, 1, dated="2024-01-01"), {})
    assert part.file is not None
    assert part_fingerprint(Numbers(), "fp", [part]) == digest(["fp", [["file", part.file.identity]]])
