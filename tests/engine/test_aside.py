"""A crash in native code after extraction costs the text that it was over, and nothing that another run would not lose."""

from __future__ import annotations

import json
import os
import signal
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from stages import aside, borne
from stages.aside import Aside
from stages.guard import UnavailableError
from tests.corpora import documents, text
from tests.runs import ROOT, finish, places, recipe, seimai, source, start


def answer(word: str, flag: str = "") -> str:
    match word:
        case "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "exit":
            os._exit(3)
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "raise":
            raise ValueError("改行\nを含む")
        case "full":
            raise OSError(28, "no space left")
        case "once" if not os.path.exists(flag):
            Path(flag).touch()
            os.kill(os.getpid(), signal.SIGSEGV)
        case "pid":
            return str(os.getpid())
    return word


def test_what_is_asked_aside_is_as_if_it_were_asked_here(tmp_path: Path) -> None:
    with Aside() as child:
        for word in ("a", "raise"):
            assert child.ask(partial(answer, word)) == borne.attempt(partial(answer, word))
        with pytest.raises(OSError, match="no space left"):
            child.ask(partial(answer, "full"))
        pid = child.ask(partial(answer, "pid"))
        assert int(pid) != os.getpid()
        assert child.ask(partial(answer, "pid")) == pid, "one child for all, while none ends it"
        assert child.ask(partial(answer, "segfault")) == "crash: the child of the stage ended by SIGSEGV"
        assert child.ask(partial(answer, "exit")) == "crash: the child of the stage ended with exit code 3"
        assert child.ask(partial(answer, "once", str(tmp_path / "flag"))) == "once", "that child was ill, not the text"
        with pytest.raises(UnavailableError, match="killed twice from outside"):
            child.ask(partial(answer, "killed"))
        assert child.ask(partial(answer, "a")) == "a"
        last = int(child.ask(partial(answer, "pid")))
    with pytest.raises(ProcessLookupError):
        os.kill(last, 0)


def test_a_task_whose_every_text_crashes_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside, "MOST", 1)
    with Aside() as child, borne.elsewhere(child.ask):
        assert borne.attempts([partial(answer, "a"), partial(answer, "b")]) == ["a", "b"]
        with pytest.raises(UnavailableError, match="it is not one text"):
            borne.attempts([partial(answer, "a"), partial(answer, "segfault")])
    assert not borne.is_elsewhere()


def run(folder: Path, poison: list[str], runner: str = "local", workers: int = 1) -> dict[str, Any]:
    """A run over 12 pages and a bad one for each of `poison`; the manifest."""
    folder.mkdir()
    rows = [{"id": f"g{n}", "url": f"https://a.example/{n}", "text": text(n)} for n in range(12)]
    bad = [
        {"id": w, "url": f"https://a.example/{w}", "text": text(90 + n) + f"毒【{w}】"} for n, w in enumerate(poison)
    ]
    web = documents(folder, "web", [*rows[:7], *bad, *rows[7:]])
    file = recipe(
        folder,
        source("web", "jsonl", web, license="CC0-1.0", id_column="id", url_column="url")
        + '[filters]\nselect = ["JA101", "JA201", "JA601"]\n',
    )
    path = os.pathsep.join(filter(None, (str(ROOT / "tests" / "crashing"), str(ROOT), os.environ.get("PYTHONPATH"))))
    ran = finish(start("run", file, "--runner", runner, "--workers", workers, *places(folder), PYTHONPATH=path, CI="1"))
    assert ran.code == 0, ran.err
    assert ran.err.count("attempt 2 of 3 failed") == 2 * bool(poison), "a chain of stages, and the one that writes"
    assert "given up" not in ran.err
    manifest: dict[str, Any] = json.loads((folder / "release/manifest.json").read_bytes())
    return manifest


def check(folder: Path, manifest: dict[str, Any]) -> None:
    urls = pq.read_table(folder / "release/data", columns=["url"])["url"].to_pylist()
    assert sorted(urls) == sorted(f"https://a.example/{n}" for n in range(12))
    funnel = manifest["funnel"]
    assert {**funnel["rejected"], **funnel["removed"]} == {"error": 2, "write.error": 1}
    assert seimai("verify", folder / "release").code == 0
    for stage in ("measure-script", "measure-grammar", "write"):
        word = stage.rpartition("-")[2]
        (lost,) = (folder / "work/stages" / stage).glob("*/quarantine/*.jsonl")
        (line,) = map(json.loads, lost.read_text().splitlines())
        assert (line["url"], line["where"]) == (f"https://a.example/{word}", stage)
        assert line["error"] == "crash: the child of the stage ended by SIGSEGV"


def test_a_text_that_ends_its_worker_in_a_later_stage_costs_itself(tmp_path: Path) -> None:
    check(tmp_path / "a", run(tmp_path / "a", ["script", "grammar", "write"]))
