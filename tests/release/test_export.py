"""Exports, each read back with its consumer's own code, and held to the manifest's sums.

megatron-core needs torch, which is too heavy for these tests: `.bin/.idx` are read back by a reader of the documented
layout that shares nothing with the writer.
"""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.measure.vocabulary import Named, vocabulary_path
from tests.corpora import documents, manifest, own, rows, run, text
from tests.runs import seimai

WEB = [{"id": str(n), "url": f"https://h{n % 3}.example/{n}", "text": text(n)} for n in range(50)]
BOOKS = [{"id": f"b{n}", "url": "", "text": text(1000 + n, 40)} for n in range(8)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    sources = own(documents(folder, "web", WEB), name="web") + own(documents(folder, "books", BOOKS), name="web-train")
    run(folder, sources + "[splits]\nvalidation = 0.2\n")
    return folder


def by_split(folder: Path) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows(folder):
        found.setdefault(f"{row['source']}-{row['split']}", []).append(row)
    return found


def export(folder: Path, to: str, out: Path, *more: object) -> str:
    ran = seimai("export", folder / "release", out, "--to", to, *more)
    assert ran.code == 0, ran.err
    assert seimai("verify", folder / "release", "--mode", "size", "--export", out).code == 0
    return ran.out


def indexed(prefix: Path) -> tuple[list[list[int]], str]:
    """Documents of a .bin/.idx pair, read by the layout alone: struct, byte by byte."""
    idx, data = Path(f"{prefix}.idx").read_bytes(), Path(f"{prefix}.bin").read_bytes()
    assert idx[:9] == b"MMIDIDX\x00\x00"
    version, code, sequences, bounds = struct.unpack_from("<QBQQ", idx, 9)
    assert version == 1
    width, kind = {8: (2, "H"), 4: (4, "i")}[code]
    lengths = struct.unpack_from(f"<{sequences}i", idx, 34)
    offsets = struct.unpack_from(f"<{sequences}q", idx, 34 + 4 * sequences)
    ends = struct.unpack_from(f"<{bounds}q", idx, 34 + 12 * sequences)
    assert len(idx) == 34 + 12 * sequences + 8 * bounds == 42 + 20 * sequences
    assert ends == tuple(range(sequences + 1))
    assert len(data) == width * sum(lengths)
    return [list(struct.unpack_from(f"<{n}{kind}", data, at)) for n, at in zip(lengths, offsets, strict=True)], kind


def test_megatron_has_the_documents_and_totals_of_the_manifest(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "megatron"
    assert "no EOD" in export(made, "megatron", out, "--workers", 1)
    tokenizer, total = Named().load(), 0
    for prefix, expected in by_split(made).items():
        found, kind = indexed(out / prefix)
        assert kind == "i", "151,643 entries need 32 bits"
        assert found == tokenizer.ids([row["text"] for row in expected])
        total += sum(map(len, found))
    assert total == manifest(made)["shards"]["tokens"]["qwen"]
    train, tokens = by_split(made), manifest(made)["sources"]
    assert (out / "blend.txt").read_text().split() == [
        part
        for source in tokens
        for part in (
            str(sum(r["n_tok_qwen"] for r in train[f"{source['name']}-train"])),
            str(out / f"{source['name']}-train"),
        )
    ]
    assert json.loads((out / "per-split.json").read_text()).keys() == {"train", "valid"}


def test_megatron_appends_eod_repeats_and_names_another_folder(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "megatron"
    more = ("--eod", 151643, "--repeat", "web=2.5", "--prefix", "/trainer")
    assert "EOD 151643" in export(made, "megatron", out, *more)
    expected = by_split(made)["web-train"]
    found, _ = indexed(out / "web-train")
    assert all(ids[-1] == 151643 for ids in found)
    tokens = sum(row["n_tok_qwen"] for row in expected) + len(expected)
    assert sum(map(len, found)) == tokens
    assert (out / "blend.txt").read_text().split()[:2] == [f"{tokens * 2.5:.0f}", "/trainer/web-train"]


def test_megatron_bytes_do_not_depend_on_workers(made: Path, tmp_path: Path) -> None:
    for workers in (1, 2):
        export(made, "megatron", tmp_path / str(workers), "--workers", workers, "--prefix", "x")
    one, two = ({f.name: f.read_bytes() for f in sorted((tmp_path / n).iterdir())} for n in "12")
    assert one == two
    assert len(one) == 4 * 2 + 3


def test_a_small_vocabulary_takes_two_bytes(made: Path, tmp_path: Path) -> None:
    sentencepiece = pytest.importorskip("sentencepiece")
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([row["text"] for row in WEB]), model_prefix=str(tmp_path / "spm"), vocab_size=200,
        minloglevel=2, hard_vocab_limit=False,
    )  # fmt: skip
    file = tmp_path / "spm.model"
    run(tmp_path, own(documents(tmp_path, "web", WEB)) + f'[tokenizers]\nqwen = "qwen"\nspm = "{file}"\n')
    export(tmp_path, "megatron", tmp_path / "out", "--tokenizer", f"spm={file}")
    found, kind = indexed(tmp_path / "out" / "own-train")
    assert kind == "H"
    assert found == Named("spm", str(file)).load().ids([row["text"] for row in rows(tmp_path)])


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--tokenizer", "llama=x"], "the release has no n_tok_llama; it has qwen"),
        (["--tokenizer", "qwen={foreign}"], "not the tokenizer qwen of this release: sha256"),
        (["--repeat", "wiki=2"], "--repeat wiki: no such source; known are web, web-train"),
        (["--repeat", "web"], "--repeat web: SOURCE=EPOCHS"),
    ],
)
def test_a_foreign_tokenizer_and_wrong_use_are_refused(made: Path, tmp_path: Path, more: list[str], says: str) -> None:
    foreign = tmp_path / "qwen.tiktoken"
    foreign.write_bytes(b"".join(vocabulary_path("qwen").read_bytes().splitlines(keepends=True)[:-1]))
    more = [argument.replace("{foreign}", str(foreign)) for argument in more]
    ran = seimai("export", made / "release", tmp_path / "out", "--to", "megatron", *more)
    assert (ran.code, says in ran.err, len(ran.err.splitlines())) == (2, True, 1), ran.err
    assert not (tmp_path / "out" / "export.json").exists()


def test_an_edited_release_is_not_exported(made: Path, tmp_path: Path) -> None:
    release = Path(shutil.copytree(made / "release", tmp_path / "release"))
    told = (release / "shards.jsonl").read_text()
    (release / "shards.jsonl").write_text(told.replace('"rows":', '"rows":1'))
    ran = seimai("export", release, tmp_path / "out", "--to", "hf")
    assert (ran.code, "shards.jsonl: sha256 is" in ran.err) == (1, True)


def test_a_lost_shard_is_not_exported(made: Path, tmp_path: Path) -> None:
    release = Path(shutil.copytree(made / "release", tmp_path / "release"))
    next((release / "data").iterdir()).unlink()
    ran = seimai("export", release, tmp_path / "out", "--to", "croissant")
    assert (ran.code, "missing or of another size; `seimai verify" in ran.err) == (1, True)


def test_counts_that_the_tokenizer_does_not_give_are_refused(made: Path, tmp_path: Path) -> None:
    """As with another version of its library: a manifest that is whole, and rows that say something else."""
    from pipeline.errors import ShortError
    from pipeline.export import Release, megatron

    release = Release.open(made / "release")
    (entry, *_) = release.entries
    with pytest.raises(ShortError, match="counts other tokens than n_tok_qwen says"):
        megatron._tokenize(
            release.folder, entry, Named("qwen", str(halved(tmp_path)), "qwen"), np.dtype("<i4"), None, tmp_path / "x"
        )


def halved(folder: Path) -> Path:
    file = folder / "half.tiktoken"
    lines = vocabulary_path("qwen").read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[: len(lines) // 2]))
    return file


def test_an_export_that_was_broken_off_is_none(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.export import Release, megatron

    out = tmp_path / "out"
    export(made, "megatron", out)
    monkeypatch.setattr(megatron, "SPLITS", {})  # breaks off after the first files are in place
    with pytest.raises(KeyError):
        megatron.export(Release.open(made / "release"), out, megatron.Options(workers=1))
    ran = seimai("verify", made / "release", "--mode", "size", "--export", out)
    assert (ran.code, "no finished export here" in ran.err) == (2, True)


@pytest.mark.parametrize(
    ("to", "name"), [("megatron", "blend.txt"), ("hf", "README.md"), ("croissant", "croissant.json")]
)
def test_what_no_export_of_ours_made_is_neither_replaced_nor_removed(
    made: Path, tmp_path: Path, to: str, name: str
) -> None:
    out = tmp_path / "shared"
    out.mkdir()
    foreign = [out / file for file in ("pile.bin", "pile.idx", "notes.md")]
    for file in foreign:
        file.write_bytes(b"not ours")
    for _ in range(2):  # the second time into a folder that has an export
        export(made, to, out)
    assert {file.read_bytes() for file in foreign} == {b"not ours"}
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / name).write_bytes(b"my own")
    ran = seimai("export", made / "release", tmp_path / "mine", "--to", to)
    assert ran.code == 2
    assert str(tmp_path / "mine" / name) in ran.err
    assert (tmp_path / "mine" / name).read_bytes() == b"my own"


def test_what_has_left_the_release_leaves_the_export_and_formats_share_a_folder(made: Path, tmp_path: Path) -> None:
    from pipeline.export import begin, recorded

    out = tmp_path / "out"
    begin(out, "megatron", {}, ["gone-train.bin", "gone-train.idx"])  # an export that was broken off
    (out / "gone-train.bin").write_bytes(b"")
    for to in ("megatron", "hf", "croissant", "hf"):
        export(made, to, out)
        assert recorded(out)[to]["manifest_id"], "finished"
    assert not (out / "gone-train.bin").exists()


def test_a_release_without_a_document_is_not_exported(made: Path, tmp_path: Path) -> None:
    release = Path(shutil.copytree(made / "release", tmp_path / "release"))
    (tmp_path / "ids").write_text("\n".join(row["id"] for row in rows(made)))
    assert seimai("remove", release, "--ids", tmp_path / "ids", "--ticket", "T").code == 0
    assert seimai("verify", release).code == 0
    ran = seimai("export", release, tmp_path / "out", "--to", "hf")
    assert (ran.code, "nothing to export" in ran.err) == (1, True)


def test_an_export_of_an_earlier_release_is_stale(made: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(made, tmp_path / "copy"))
    export(folder, "croissant", tmp_path / "out")
    export(folder, "hf", folder / "release")
    (tmp_path / "urls").write_text("https://h1.example/1\n")
    ran = seimai("remove", folder / "release", "--urls", tmp_path / "urls", "--ticket", "T")
    assert ran.code == 0
    assert "README.md" in ran.out, "the card beside the shards is made again"
    assert seimai("verify", folder / "release", "--export", folder / "release").code == 0
    verified = seimai("verify", folder / "release", "--export", tmp_path / "out")
    assert (verified.code, "stale: made from release" in verified.out) == (1, True)
    assert seimai("verify", folder / "release", "--export", tmp_path).code == 2


def test_exports_are_made_again_as_they_were_asked_for(made: Path, tmp_path: Path) -> None:
    """Two kinds in the release, one in a folder in it, one elsewhere that the command names, one that it does not."""
    folder = Path(shutil.copytree(made, tmp_path / "copy"))
    release, own, elsewhere, other = folder / "release", folder / "release" / "own", tmp_path / "a", tmp_path / "b"
    export(folder, "hf", release)
    export(folder, "croissant", release)
    export(folder, "croissant", own, "--base-url", "https://corpus.example/v1")
    for out in (elsewhere, other):
        export(folder, "megatron", out, "--eod", 151643, "--repeat", "web=2", "--prefix", "/t", "--workers", 1)
    (elsewhere / ".parts-x").mkdir()  # as a killed export leaves it
    (tmp_path / "urls").write_text("https://h1.example/1\n")
    arguments = ("--urls", tmp_path / "urls", "--ticket", "T", "--export", elsewhere)
    assert seimai("remove", release, *arguments).code == 0
    for out in (release, own, elsewhere):
        assert seimai("verify", release, "--mode", "size", "--export", out).code == 0
    assert "megatron is stale" in seimai("verify", release, "--mode", "size", "--export", other).out
    assert seimai("export", release, other, "--refresh").code == 0
    assert {f.name: f.read_bytes() for f in elsewhere.iterdir()} == {f.name: f.read_bytes() for f in other.iterdir()}
    assert (other / "blend.txt").read_text().split()[1] == "/t/web-train"
    first = json.loads((own / "croissant.json").read_text())["distribution"][0]
    assert first["contentUrl"].startswith("https://corpus.example/v1/")
    for wrong in ([], ["--refresh", "--to", "hf"]):
        ran = seimai("export", release, other, *wrong)
        assert (ran.code, "--refresh to make again" in ran.err) == (2, True)


@pytest.mark.parametrize("in_place", [True, False])
def test_hugging_face_datasets_reads_the_card(
    made: Path, tmp_path: Path, in_place: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    folder = Path(shutil.copytree(made, tmp_path / "copy"))
    out = folder / "release" if in_place else tmp_path / "out"
    export(folder, "hf", out)
    datasets.disable_progress_bars()
    told, expected = manifest(folder), by_split(folder)
    for name in ("all", "web", "web-train"):
        loaded = datasets.load_dataset(str(out), name, cache_dir=str(tmp_path / "cache"))
        for split, table in loaded.items():
            wanted = [
                row
                for group, found in expected.items()
                for row in found
                if group.endswith(f"-{split}") and name in ("all", row["source"])
            ]
            assert sorted(table["id"]) == sorted(row["id"] for row in wanted)
            assert dict(zip(table["id"], table["text"], strict=True)) == {row["id"]: row["text"] for row in wanted}
    assert (
        sum(table.num_rows for table in datasets.load_dataset(str(out), cache_dir=str(tmp_path / "cache")).values())
        == (told["shards"]["documents"])
    )
    assert seimai("verify", folder / "release").code == 0, "a card in the release is no stray file"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_mlcroissant_validates_and_reads(made: Path, tmp_path: Path) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")
    folder = Path(shutil.copytree(made, tmp_path / "copy"))
    export(folder, "croissant", folder / "release")
    dataset = mlcroissant.Dataset(jsonld=str(folder / "release" / "croissant.json"))
    assert dataset.metadata.issues.errors == set()
    ids = {
        value.decode() if isinstance(value, bytes) else value
        for records in dataset.metadata.record_sets
        for record in dataset.records(records.id)
        for name, value in record.items()
        if name.endswith("/id")
    }
    assert ids == {row["id"] for row in rows(folder)}
    export(folder, "croissant", tmp_path / "out", "--base-url", "https://corpus.example/v1")
    (first, *_) = json.loads((tmp_path / "out" / "croissant.json").read_text())["distribution"]
    assert first["contentUrl"].startswith("https://corpus.example/v1/data/web-train-00000-")
