"""Tokenizers of every kind beside each other: their own library's counts, told apart by content, named in the manifest."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import pytest

from stages.errors import InputError
from stages.measure.vocabulary import PATTERNS, Named, vocabulary_path
from tests.corpora import documents, manifest, own, rows, run, text
from tests.runs import recipe, seimai

tokenizers = pytest.importorskip("tokenizers")
sentencepiece = pytest.importorskip("sentencepiece")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A small tokenizer of each kind; two of them are called tokenizer.model, as Llama 2 and 3 call theirs."""
    folder = tmp_path_factory.mktemp("tokenizers")
    lines = [line for seed in range(200) for line in text(seed).splitlines() if line]
    hf = tokenizers.Tokenizer(tokenizers.models.BPE(unk_token="<unk>"))
    hf.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=600, special_tokens=["<unk>", "<s>"], show_progress=False,
                                             initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet())  # fmt: skip
    hf.train_from_iterator(lines, trainer)
    hf.post_processor = tokenizers.processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    hf.enable_truncation(16)
    hf.save(str(folder / "tokenizer.json"))
    for name in ("spm", "llama3"):
        (folder / name).mkdir()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_prefix=str(folder / "spm" / "tokenizer"), vocab_size=300, minloglevel=2,
        hard_vocab_limit=False,
    )  # fmt: skip
    ranks = [bytes([n]) for n in range(256)] + ["の".encode()[:2], "の".encode()]
    tiktoken = "".join(f"{base64.b64encode(token).decode()} {rank}\n" for rank, token in enumerate(ranks))
    (folder / "llama3" / "tokenizer.model").write_text(tiktoken)
    return {
        "hf": folder / "tokenizer.json",
        "spm": folder / "spm" / "tokenizer.model",
        "bytes": folder / "llama3" / "tokenizer.model",
    }


TEXTS = ["山の話を聞く。\n<s>雨", "", "Hello 2024年", *(text(seed, 3) for seed in range(20))]


def test_counts_are_the_librarys_own_without_bos_eos_and_truncation(files: dict[str, Path]) -> None:
    plain = tokenizers.Tokenizer.from_file(str(files["hf"]))
    plain.no_truncation()
    plain.encode_special_tokens = True
    spm = sentencepiece.SentencePieceProcessor(model_file=str(files["spm"]))
    expected = {
        "hf": [plain.encode(each, add_special_tokens=False).ids for each in TEXTS],
        "spm": [spm.encode(each) for each in TEXTS],
    }
    for key, ids in expected.items():
        loaded = Named(key, str(files[key])).load()
        assert loaded.ids(TEXTS) == ids
        assert loaded.count(TEXTS) == [len(each) for each in ids]
        assert max(id for each in ids for id in each) < loaded.size
    assert 1 not in expected["hf"][0], "a special token in a text is plain text"
    loaded = Named("b", str(files["bytes"]), "llama3").load()
    assert loaded.count(["のんき"]) == [1 + 3 + 2], "き begins with the two bytes that merge"
    assert (loaded.kind, loaded.size, loaded.pattern) == ("tiktoken", 258, PATTERNS["llama3"])


def test_what_a_file_is_its_content_says(files: dict[str, Path]) -> None:
    kinds = {key: Named("x", str(file), "qwen" if key == "bytes" else "").load().kind for key, file in files.items()}
    assert kinds == {"hf": "tokenizer.json", "spm": "sentencepiece", "bytes": "tiktoken"}


def test_it_is_loaded_once_and_again_when_its_file_changes(files: dict[str, Path], tmp_path: Path) -> None:
    file = tmp_path / "t.model"
    file.write_bytes(files["spm"].read_bytes())
    named = Named("x", str(file))
    first = named.load()
    assert named.load() is first
    file.write_bytes(files["hf"].read_bytes())
    assert named.load().kind == "tokenizer.json"


@pytest.mark.parametrize(
    ("content", "pattern", "says"),
    [
        (b"", "", "empty; give a tokenizer.json"),
        (b"\x00\x01\x02", "", "neither a tokenizer.json, a tiktoken file nor a sentencepiece model"),
        (b'{"a": 1}', "", "not a Hugging Face tokenizer.json"),
        (b"IQ== 0\n", "", "does not say how text is split; say it in the recipe: [tokenizers]"),
        (b"IQ== 0\n", "(", "pattern '('"),
    ],
)
def test_a_file_that_is_none_is_named_with_the_mend(tmp_path: Path, content: bytes, pattern: str, says: str) -> None:
    file = tmp_path / "tokenizer.model"
    file.write_bytes(content)
    with pytest.raises(InputError) as error:
        Named("x", str(file), pattern).load()
    assert says in str(error.value)
    assert str(file) in str(error.value)


def test_a_pattern_is_of_tiktoken_files_alone(files: dict[str, Path]) -> None:
    with pytest.raises(InputError, match="leave pattern out"):
        Named("x", str(files["spm"]), "qwen").load()


def test_a_missing_library_is_named(files: dict[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    file = tmp_path / "tokenizer.json"
    file.write_bytes(files["hf"].read_bytes())
    with pytest.raises(InputError, match=r"needs the package tokenizers: pip install 'seimai\[tokenizers\]'"):
        Named("x", str(file)).load()


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ('a-b = "qwen"', "tokenizer key 'a-b'"),
        ("x = 1", "[tokenizers] x: a file, or"),
        ('x = { file = "y", patern = "z" }', "did you mean 'pattern'?"),
        ('x = "nowhere.json"', "nowhere.json: no such tokenizer file"),
    ],
)
def test_a_wrong_table_of_tokenizers_is_one_line(tmp_path: Path, table: str, says: str) -> None:
    path = documents(tmp_path, "d", [{"id": "1", "url": "", "text": text(1)}])
    ran = seimai("plan", recipe(tmp_path, own(path) + f"[tokenizers]\n{table}\n"))
    assert ran.code in (1, 2)
    assert says in ran.err
    assert len(ran.err.splitlines()) == 1


def test_the_old_place_of_the_tokenizer_names_the_new_one(tmp_path: Path) -> None:
    path = documents(tmp_path, "d", [{"id": "1", "url": "", "text": text(1)}])
    ran = seimai("plan", recipe(tmp_path, own(path) + '[stages.tokens]\ntokenizer = "qwen"\n'))
    assert (ran.code, "[tokenizers] key =" in ran.err) == (2, True)


def test_a_release_counts_in_all_of_them(files: dict[str, Path], tmp_path: Path) -> None:
    path = documents(tmp_path, "d", [{"id": str(n), "url": "", "text": text(n)} for n in range(30)])
    table = (
        f'[tokenizers]\nspm = "{files["spm"]}"\nqwen = "qwen"\nhf = "{files["hf"]}"\n'
        f'bytes = {{ file = "{files["bytes"]}", pattern = "llama3" }}\n'
    )
    told = run(tmp_path, own(path) + table)
    found = rows(tmp_path)
    assert [entry["key"] for entry in told["tokenizers"]] == ["spm", "qwen", "hf", "bytes"]
    for entry in told["tokenizers"]:
        named = Named(entry["key"], str(files.get(entry["key"], "qwen")), entry["pattern"])
        counts = named.load().count([row["text"] for row in found])
        assert [row[f"n_tok_{entry['key']}"] for row in found] == counts
        assert told["shards"]["tokens"][entry["key"]] == sum(counts)
        assert entry["characters_per_token"] == pytest.approx(told["shards"]["characters"] / sum(counts), abs=1e-6)
        assert entry["sha256"] == named.load().sha256
        assert entry["vocabulary"] == named.load().size
    assert told["funnel"]["written"]["tokens"] == told["shards"]["tokens"]["spm"], "the first is the unit of the funnel"
    moved = tmp_path / "moved.model"
    moved.write_bytes(files["spm"].read_bytes())
    again = seimai(
        "run", recipe(tmp_path, own(path) + table.replace(str(files["spm"]), str(moved))), "--runner", "local"
    )
    assert "everything was committed already" in again.err
    assert manifest(tmp_path) == told


def test_the_built_in_vocabulary_is_found_by_its_content() -> None:
    copied = Named("x", str(vocabulary_path("qwen"))).load()
    assert copied.pattern == PATTERNS["qwen"]
