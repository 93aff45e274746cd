"""A text that a rule after extraction cannot read costs itself, whichever the rule; no sum is broken by it.

The rules are replaced by ones that raise for 毒, as no text is known that makes one of ours raise.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import stages.edits.edits
import stages.language.language
import stages.release.write
import stages.signatures.minhash
from pipeline.errors import ShortError
from pipeline.recipe.recipe import load
from pipeline.session import make_release
from stages.borne import of_the_text
from stages.errors import InputError
from stages.measure.vocabulary import Named
from tests.runs import recipe, seimai, source
from tests.warcs import Response, html, write

BAD = "https://example.jp/poison"
GOOD = [f"https://example.jp/{n}" for n in range(6)]


class PanicException(BaseException):
    """As a Rust library panics."""


def page(n: int, word: str = "猫") -> bytes:
    """Sentences of words that no other page has, but for `word`."""
    draw = random.Random(n)
    names = ["".join(draw.choices("あいうえおかきくけこさしすせそたちつてとなにぬねの", k=4)) for _ in range(60)]
    return html("".join(f"{word}は{one}と{other}を見た。" for one, other in pairwise(names)), f"話{n}")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    pages = [Response(page(n), url=url) for n, url in enumerate(GOOD)]
    warc = write(tmp_path / "a.warc.gz", *pages[:3], Response(page(9, "毒"), url=BAD), *pages[3:])
    return recipe(tmp_path, source("crawl", "warc", warc) + '[filters]\nselect = ["JA101"]\n')


def run(file: Path, **places: str) -> None:
    make_release(load(file, **places), "in this process", 1)


def texts(release: Path) -> dict[str, str]:
    rows = pq.read_table(release / "data", columns=["url", "text"]).to_pylist()
    return {row["url"]: row["text"] for row in rows}


def raising(function: Callable[..., Any], error: BaseException) -> Callable[..., Any]:
    """The function, but it raises when it is given 毒."""

    def instead(*arguments: Any) -> Any:
        if any("毒" in each for each in arguments if isinstance(each, str)):
            raise error
        return function(*arguments)

    return instead


def poisoned_tokens(self: Any, text: str) -> list[int]:
    if "毒" in text:
        raise PanicException("called `Result::unwrap()` on an `Err` value")
    return list(self._encoding.encode_ordinary(text))


STAGES = {
    "tokens": "error",
    "edits": "error",
    "language": "error",
    "minhash": "dedup.error",
    "write": "write.error",
}


@pytest.mark.parametrize(("stage", "reason"), STAGES.items())
def test_a_stage_that_cannot_read_a_text_loses_that_text_alone(
    stage: str, reason: str, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = ValueError("毒\nin two lines")
    match stage:
        case "tokens":
            monkeypatch.setattr(type(Named().load()), "_ids", poisoned_tokens)
        case "edits":
            monkeypatch.setattr(stages.edits.edits, "within_page", raising(stages.edits.edits.within_page, bad))
        case "language":
            monkeypatch.setattr(stages.language.language, "identify", raising(stages.language.language.identify, bad))
        case "minhash":
            monkeypatch.setattr(
                stages.signatures.minhash, "dedup_key", raising(stages.signatures.minhash.dedup_key, bad)
            )
        case "write":
            monkeypatch.setattr(stages.release.write, "mask", raising(stages.release.write.mask, bad))
    run(file)
    assert sorted(texts(tmp_path / "release")) == GOOD
    assert seimai("verify", tmp_path / "release").code == 0
    manifest = json.loads((tmp_path / "release" / "manifest.json").read_bytes())
    funnel = manifest["funnel"]
    assert {**funnel["rejected"], **funnel["duplicates"], **funnel["removed"]} == {reason: 1}
    hosts = pq.read_table(tmp_path / "release" / "hosts.parquet").to_pylist()
    assert [(host["kept"], host["main_reason"]) for host in hosts] == [(6, reason)]
    (lost,) = (tmp_path / "work" / "stages" / stage).glob("*/quarantine/*.jsonl")
    (line,) = map(json.loads, lost.read_text().splitlines())
    assert (line["url"], line["where"]) == (BAD, stage)
    traced = seimai("trace", BAD, "--run", file)
    assert traced.code == 0, traced.err
    assert f"quarantined by {stage}" in traced.out
    assert line["error"] in traced.out
    assert f"=> not in the release: {reason}" in traced.out.replace("rejected by ", "")


def test_the_others_come_out_as_they_do_without_it(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(file)
    whole = texts(tmp_path / "release")
    assert whole.pop(BAD)
    monkeypatch.setattr(stages.edits.edits, "within_page", raising(stages.edits.edits.within_page, ValueError("毒")))
    again = tmp_path / "again"
    run(file, work=str(again), release=str(again / "release"))
    assert texts(again / "release") == whole


@pytest.mark.parametrize("error", [MemoryError(), OSError(28, "no space left"), InputError("no such model")])
def test_what_is_not_of_the_text_fails_the_task_and_commits_no_loss(
    error: Exception, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages.language.language, "identify", raising(stages.language.language.identify, error))
    assert not of_the_text(error)
    with pytest.raises(ShortError):
        run(file)
    assert not list((tmp_path / "work" / "stages" / "language").glob("*/commit/*"))


def test_a_stage_that_raises_for_every_batch_is_no_matter_of_texts(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> list[str]:
        raise ValueError("a bug")

    monkeypatch.setattr(stages.language.language, "edited", broken)
    with pytest.raises(ShortError):
        run(file)
    assert not list((tmp_path / "work" / "stages" / "language").glob("*/commit/*"))
