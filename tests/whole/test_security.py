"""What comes in is hostile: nothing of it is executed, used as a path, obeyed by a terminal, or unpacked without an end."""

from __future__ import annotations

import ast
import bz2
import gzip
import io
import json
import re
import struct
import subprocess
import sys
import tracemalloc
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import brotli
import pytest
import zstandard

from stages.base import SourceFile
from stages.errors import InputError
from stages.measure.vocabulary import PATTERNS, RUN, Named
from stages.readers.aozora import ExtractAozora, _texts
from stages.readers.jsonl import ExtractJsonl
from stages.readers.kokkai import ExtractKokkai
from stages.readers.warc import ExtractWarc
from stages.readers.zipped import Member, Unreadable, members
from stages.wikipedia.mediawiki import read
from stages.wikipedia.mediawiki_xml import Damage
from tests.runs import ROOT, recipe, seimai, source
from tests.sinks import run
from tests.warcs import PROSE, Response, html, inputs, write

# What a terminal follows: a title, colours, a one-byte CSI, and marks that turn the reading direction.
_ATTACK = "\x1b]0;盗\x07\x1b[31m\x9b2J\u202e逆\u2066"
_FOLLOWED = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def _calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def test_no_code_of_ours_executes_what_it_reads() -> None:
    """No pickle, no eval, no shell: also where only a model file or a recipe is read."""
    for file in (file for folder in ("pipeline", "stages", "filters") for file in (ROOT / folder).rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {"pickle", "marshal", "shelve", "yaml", "cloudpickle", "dill", "joblib"} & set(names), file
        for name, call in _calls(tree):
            assert name not in ("eval", "exec", "os.system", "os.popen", "extractall", "pd.read_pickle"), file
            assert not any(word.arg == "shell" for word in call.keywords), file
            if name in ("np.load", "numpy.load"):
                assert any(w.arg == "allow_pickle" and ast.unparse(w.value) == "False" for w in call.keywords), file


def test_verbs_print_data_through_the_terminal_module_alone() -> None:
    for file in (ROOT / "pipeline" / "verbs").glob("*.py"):
        for name, call in _calls(ast.parse(file.read_text(encoding="utf-8"))):
            assert name != "print" or any(word.arg == "file" for word in call.keywords), (file, call.lineno)


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run over lines of JSON whose every field attacks a terminal."""
    folder = tmp_path_factory.mktemp("attacked")
    rows = [
        {
            "text": f"{PROSE * 3}{_ATTACK}{n}",
            "url": f"https://{n}.example.jp/{_ATTACK}",
            "title": _ATTACK,
            "id": _ATTACK,
        }
        for n in range(2)
    ]
    rows.append({"text": "短い" + _ATTACK, "url": f"https://short.example.jp/{_ATTACK}", "title": "", "id": "short"})
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    columns = {"url_column": "url", "title_column": "title", "id_column": "id"}
    file = recipe(
        folder, source("own", "jsonl", Path("a.jsonl"), **columns) + '[filters]\nselect = ["JA201", "JA205"]\n'
    )
    assert seimai("run", file, "--runner", "local", "--workers", 1).code == 0
    return file


@pytest.mark.parametrize(
    "verb",
    [
        ("trace", "https://0.example.jp/" + _ATTACK, "--run", "RECIPE"),
        ("trace", "https://1.example.jp/" + _ATTACK, "--run", "RECIPE"),  # a duplicate, with its keeper
        ("trace", "https://short.example.jp/" + _ATTACK, "--run", "RECIPE"),
        ("dry-run", "RECIPE", "--excerpts", "9"),
        ("tune", "JA201", "RECIPE", "--at-least", "100000", "--excerpts", "9"),
        ("diff", "RECIPE", "RECIPE", "--profile", "strict", "--excerpts", "9"),
        ("report", "RECIPE"),
        ("trace", "https://nowhere.example.jp/" + _ATTACK, "--run", "RECIPE"),
    ],
)
def test_a_terminal_is_never_told_what_to_do(attacked: Path, verb: tuple[str, ...]) -> None:
    ran = seimai(*(attacked if word == "RECIPE" else word for word in verb))
    assert "example.jp" in ran.out + ran.err
    assert not _FOLLOWED.search(ran.out + ran.err)


def test_names_in_archives_and_headers_are_no_paths(tmp_path: Path) -> None:
    work = tmp_path / "inner" / "place"
    work.mkdir(parents=True)
    names = ("../../evil.txt", f"{tmp_path}/evil.txt", "..\\..\\evil.txt", "a/../../../evil.txt")
    with zipfile.ZipFile(work / "works.zip", "w") as archive:
        for n, name in enumerate(names):
            archive.writestr(name, f"題{n}\n作者\n\n{PROSE * 5}{n}\n".encode("shift_jis"))
    info = Response(b"WARC-Filename: ../../evil\r\n", type="warcinfo")
    write(work / "a.warc.gz", info, Response(url="https://../../evil", id="urn:../../../evil"))
    text = source("works", "aozora", Path("works.zip")) + source("crawl", "warc", Path("a.warc.gz"))
    assert seimai("run", recipe(work, text), "--runner", "local", "--workers", 1).code == 0
    assert sorted(file.name for file in work.iterdir()) == ["a.warc.gz", "recipe.toml", "release", "work", "works.zip"]
    assert [file.name for file in tmp_path.iterdir()] == ["inner"]
    assert [file.name for file in (tmp_path / "inner").iterdir()] == ["place"]


def _bombs() -> Iterator[tuple[str, bytes]]:
    """Content coding -> a body of kilobytes that says it is 150 MB of blanks."""
    size = 150 << 20
    zeros = bytes(1 << 20)
    for name, packer in (("gzip", zlib.compressobj(9, zlib.DEFLATED, 31)), ("deflate", zlib.compressobj(9))):
        yield name, b"".join([packer.compress(zeros) for _ in range(size >> 20)]) + packer.flush()
    frame = zstandard.ZstdCompressor(level=1).compressobj()
    yield "zstd", b"".join([frame.compress(zeros) for _ in range(size >> 20)]) + frame.flush()
    brotlied = brotli.Compressor(quality=1)
    yield "br", b"".join([brotlied.process(zeros) for _ in range(size >> 20)]) + brotlied.finish()
    once = zlib.compressobj(9, zlib.DEFLATED, 31)
    inner = b"".join([once.compress(zeros) for _ in range(size >> 20)]) + once.flush()
    yield "gzip, gzip", gzip.compress(inner)


_MEASURED = """
import json, resource, sys
from pathlib import Path
from stages.readers.warc import ExtractWarc
from tests.sinks import run
from tests.warcs import inputs
Path("/dev/null").read_bytes()
run(ExtractWarc(), inputs(Path(sys.argv[1])))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
sink = run(ExtractWarc(), inputs(Path(sys.argv[2])))
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([(after - before) << 10, dict(sink.counters)]))
"""


def test_bodies_that_unpack_to_150_megabytes_are_cut_in_bounded_memory(tmp_path: Path) -> None:
    """What is cut is told: no Japanese in the first 64 MiB of it; and the page behind comes out."""
    page = "text/html; charset=utf-8"
    bombs = [
        Response(body, url=f"https://bomb.example.jp/{n}", headers={"Content-Type": page, "Content-Encoding": coding})
        for n, (coding, body) in enumerate(_bombs())
    ]
    plain = Response(bytes(150 << 20), url="https://bomb.example.jp/member")  # as a gzip member of the WARC file itself
    hostile = write(tmp_path / "bombs.warc.gz", *bombs, plain, Response(html()))
    assert hostile.stat().st_size < 2 << 20
    good = write(tmp_path / "good.warc.gz", Response(html()))
    command = [sys.executable, "-c", _MEASURED, str(good), str(hostile)]
    grown, counters = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    assert counters == {"records": 7, "passed.not-japanese": 6, "rows": 1}
    assert grown < 320 << 20  # the cap of 64 MiB, as coded and as decoded bytes and text


def test_a_bzip2_bomb_in_a_dump_costs_its_page(tmp_path: Path) -> None:
    head = "<mediawiki><page><title>爆</title><ns>0</ns><id>1</id><revision><id>2</id><text>"
    tail = "</text></revision></page><page><title>良</title><ns>0</ns><id>3</id><revision><id>4</id><text>あ</text></revision></page></mediawiki>"
    packer = bz2.BZ2Compressor()
    file = tmp_path / "dump.xml.bz2"
    pieces = [head.encode(), *[b" " * (1 << 20)] * 20, tail.encode()]
    file.write_bytes(b"".join([*map(packer.compress, pieces), packer.flush()]))
    bomb, good = read(file)
    assert not isinstance(bomb, Damage)
    assert not isinstance(good, Damage)
    assert (bomb.oversized, bomb.wikitext, good.title) == (True, "", "良")


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        ("<b>" * 200_000, "XML elements nested over 32 deep"),
        (f'<x a="{"y" * (9 << 20)}">', "an XML tag or comment over 4 MiB"),
        (f"<!-- {'y' * (9 << 20)} -->", "an XML tag or comment over 4 MiB"),
    ],
)
def test_a_page_of_a_dump_that_would_take_for_ever_costs_itself(tmp_path: Path, bad: str, error: str) -> None:
    good = "<page><title>良</title><ns>0</ns><id>3</id><revision><id>4</id><text>あ</text></revision></page>"
    file = tmp_path / "dump.xml"
    file.write_text(f"<mediawiki>{good}<page><title>悪</title>{bad}</page>{good}</mediawiki>", encoding="utf-8")
    found = list(read(file))
    assert [page.error if isinstance(page, Damage) else page.title for page in found] == ["良", error, "良"]


def _zip_with_one_body_for_all(names: int) -> bytes:
    """Many entries in the list of an archive that lead to one file, as in 42.zip's heirs (Fifield 2019)."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("0.txt", b" " * (1 << 20))
    whole = packed.getvalue()
    end = struct.unpack("<4s4H2LH", whole[-22:])
    body, entry = whole[: end[6]], whole[end[6] : end[6] + end[5]]
    entries = b"".join(entry.replace(b"0.txt", f"{n}.txt".encode()) for n in range(names))
    tail = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, names, names, len(entries), len(body), 0)
    return body + entries + tail


def test_a_zip_whose_files_share_their_bytes_is_not_unpacked() -> None:
    found = list(members(io.BytesIO(_zip_with_one_body_for_all(9)), "a.zip", lambda name: True, 4 << 20))
    assert len(found) == 9
    assert all(isinstance(one, Unreadable) and "zip bomb" in one.error for one in found)
    (alone,) = members(io.BytesIO(_zip_with_one_body_for_all(1)), "a.zip", lambda name: True, 4 << 20)
    assert isinstance(alone, Member)


def test_a_zip_in_a_zip_is_held_a_text_at_a_time(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        for n in range(12):
            archive.writestr(f"{n}.txt", b" " * (8 << 20))
    file = tmp_path / "outer.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("inner.zip", inner.getvalue())
    tracemalloc.start()
    assert sum(1 for _ in _texts(SourceFile(str(file), "ab" * 32, file.stat().st_size))) == 12
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 32 << 20


def test_entities_of_a_page_name_no_file_and_multiply_nothing(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("秘密の文書")
    laughs = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))
    head = f'<!DOCTYPE html [<!ENTITY l0 "笑"><!ENTITY s SYSTEM "file://{tmp_path}/secret">{laughs}]>'
    page = f'<?xml version="1.0"?>{head}<html><body><p>{PROSE * 5}&s;&l9;</p></body></html>'
    headers = {"Content-Type": "application/xhtml+xml; charset=utf-8"}
    sink = run(ExtractWarc(), inputs(write(tmp_path / "a.warc.gz", Response(page.encode(), headers=headers))))
    (row,) = sink.rows()
    assert PROSE in str(row["text"])
    assert "秘密" not in str(row["text"])
    assert len(str(row["text"])) < 1000


@pytest.mark.parametrize("name", ["qwen", "o200k"])
def test_a_run_of_blanks_of_any_length_is_counted(name: str) -> None:
    """tiktoken panics where a million blanks come at once; what is shorter than a run is counted as it always was."""
    qwen = Named().load()
    named = Named("x", str(qwen.path), PATTERNS[name]).load()
    for blank in (" ", "\u3000"):
        (piece,) = named.count([blank * RUN])
        (whole,) = named.count([blank * (10 * RUN)])
        assert whole == 10 * piece
    text = f"{PROSE}{' ' * (2 * RUN)}{PROSE * 4000}\n"
    assert sum(named.count([PROSE + " " * RUN, " " * RUN + PROSE * 4000 + "\n"])) == named.count([text])[0]
    assert [len(ids) for ids in named.ids([text])] == named.count([text])


def test_a_text_over_the_cap_is_rejected_and_told_whatever_it_came_in(tmp_path: Path) -> None:
    long = "長い文章です。" * 100
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": long}) + "\n" + json.dumps({"text": "短い。"}) + "\n")
    speech = {"issueID": "1", "speechID": "1_1", "speech": long}
    (tmp_path / "a.json").write_text(json.dumps({"speechRecord": [speech]}))
    (tmp_path / "a.txt").write_text(f"題\n作者\n\n{long}\n", encoding="shift_jis")
    for stage, name, kept in (
        (ExtractJsonl(max_characters=600), "a.jsonl", ["extract.too-large", ""]),
        (ExtractKokkai(max_characters=600), "a.json", ["extract.too-large"]),
        (ExtractAozora(max_characters=600), "a.txt", ["extract.too-large"]),
    ):
        rows = run(stage, inputs(tmp_path / name)).rows()
        assert [row["reason"] for row in rows] == kept
        assert rows[0]["text"] == ""


def test_a_model_with_pickled_objects_is_refused(tmp_path: Path) -> None:
    import numpy as np

    from filters.classifier import Classifier

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (Path(tmp_path / "executed"),)  # type: ignore[return-value]

    np.savez(tmp_path / "evil.npz", weights=np.array([Evil()], dtype=object))
    with pytest.raises((InputError, ValueError)):
        Classifier.load(tmp_path / "evil.npz")
    assert not (tmp_path / "executed").exists()
