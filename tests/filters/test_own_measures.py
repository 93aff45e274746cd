"""Measures that a recipe brings: lists, classifiers, fastText and KenLM models, and a run with them."""

from __future__ import annotations

import json
import random
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.classifier import BUCKETS, Classifier, features
from filters.text import Text
from pipeline.errors import UsageError
from pipeline.train import auc, documents, groups, train
from stages.errors import InputError
from stages.measure.own import Own
from tests.runs import recipe, seimai, source, tree

CALM = "研究会では、資料の保存方法について報告があり、参加者は館の記録を読みながら議論した。"
LOUD = "今だけ特価!ポイント還元!クリックして友だち追加、限定プレゼントをゲットしよう!"


def _made(sentence: str, seed: int, count: int = 40) -> list[str]:
    """Texts of shuffled pieces of a sentence: of one kind, and no two alike."""
    chance = random.Random(seed)
    pieces = [sentence[i : i + 4] for i in range(0, len(sentence), 4)]
    return ["".join(chance.choices(pieces, k=60)) for _ in range(count)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    for name, sentence in (("good", CALM), ("bad", LOUD)):
        lines = (json.dumps({"text": text}) + "\n" for text in _made(sentence, len(name)))
        (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    given = ("--good", folder / "good.jsonl", "--bad", folder / "bad.jsonl")
    for model in ("model", "again"):
        done = seimai("train-classifier", *given, "-o", folder / f"{model}.npz")
        assert done.code == 0, done.err
        assert "AUC 1.000" in done.out
    return folder


def test_training_twice_gives_the_same_bytes(trained: Path) -> None:
    assert (trained / "model.npz").read_bytes() == (trained / "again.npz").read_bytes()


def test_a_classifier_tells_its_kinds_apart_after_a_round_trip(trained: Path) -> None:
    model = Classifier.load(trained / "model.npz")
    assert model.probability(Text(CALM)) > 0.8
    assert model.probability(Text(LOUD)) < 0.2
    assert model.weight.shape == model.idf.shape == (BUCKETS,)


@given(st.text(st.characters(), max_size=50))
def test_any_text_has_a_probability(text: str) -> None:
    model = Classifier(np.ones(BUCKETS, np.float32), np.linspace(-1, 1, BUCKETS, dtype=np.float32), 0.0)
    assert 0 <= model.probability(Text(text)) <= 1


def test_neither_digits_nor_white_space_decide() -> None:
    for one, other in (("2024年の 本", "1999年の 本"), ("本の　話\n\nです", "本の 話 です")):
        assert [a.tolist() for a in features(Text(one))] == [a.tolist() for a in features(Text(other))]
    assert features(Text("本の話"))[0].tolist() != features(Text("本と話"))[0].tolist()


def test_features_are_counts_of_n_grams() -> None:
    _, values = features(Text("ああああ"))  # あ 4, ああ 3, あああ 2
    assert sorted(np.expm1(values).round().astype(int)) == [2, 3, 4]


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30))
def test_auc_counts_pairs(pairs: list[tuple[int, bool]]) -> None:
    good, bad = ([score for score, label in pairs if label is kind] for kind in (True, False))
    if good and bad:
        naive = sum((g > b) + (g == b) / 2 for g in good for b in bad) / (len(good) * len(bad))
        score, label = np.array([p[0] for p in pairs], float), np.array([p[1] for p in pairs], float)
        assert auc(score, label) == pytest.approx(naive)


def test_near_duplicates_are_of_one_group() -> None:
    long = _made(CALM, 1, 3)
    assert groups([long[0], long[1], long[0][:-3] + "。", "", ""]).tolist() == [0, 1, 0, 2, 2]


def test_too_few_documents_or_copies_of_one_are_refused() -> None:
    with pytest.raises(UsageError, match="at least 20"):
        train([CALM] * 19, [LOUD] * 50)
    with pytest.raises(UsageError, match="alike"):
        train([CALM] * 30, [LOUD] * 30)


@pytest.mark.parametrize(
    ("line", "said"), [("{", "JSON"), ('{"body": "x"}', "--text-column"), ('"x"', "line 1"), (b"\xff\xfe", "JSON")]
)
def test_documents_that_are_none_are_told_with_their_file(tmp_path: Path, line: str | bytes, said: str) -> None:
    file = tmp_path / "x.jsonl"
    file.write_bytes(line if isinstance(line, bytes) else line.encode())
    with pytest.raises(UsageError, match=said) as refused:
        list(documents(file, "text"))
    assert "x.jsonl" in str(refused.value)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Written by hand, of one dimension: characters of CALM are +1, of LOUD -1. (fastText's own training fails at times.)"""
    words = {**dict.fromkeys(LOUD, -1.0), **dict.fromkeys(CALM, 1.0), "</s>": 0.0}
    labels = {"__label__2": 4.0, "__label__0": -4.0}
    arguments = struct.pack("<ii12id", 793712314, 12, 1, 5, 1, 1, 5, 1, 3, 3, 0, 0, 0, 100, 1e-4)
    entries = [(word, 0) for word in words] + [(label, 1) for label in labels]
    dictionary = struct.pack("<iiiqq", len(entries), len(words), len(labels), 99, -1)
    dictionary += b"".join(word.encode() + b"\0" + struct.pack("<qb", 1, kind) for word, kind in entries)
    matrices = [struct.pack(f"<?qq{len(m)}f", False, len(m), 1, *m.values()) for m in (words, labels)]
    (tmp_path / "model.bin").write_bytes(arguments + dictionary + b"".join(matrices))
    return tmp_path / "model.bin"


def test_a_fasttext_model_gives_a_probability_or_an_expected_label(model: Path) -> None:
    good = Own("own.q", "fasttext", str(model), label="2", tokens="characters").value()
    expected = Own("own.q", "fasttext", str(model), tokens="characters").value()
    assert good(CALM) > 0.9 > 0.1 > good(LOUD)
    assert expected(CALM) == pytest.approx(2 * good(CALM), abs=1e-3)
    assert good("行が\n変わる") == good("行が 変わる")
    assert 0 <= good("\ud800") <= 1


def test_kenlm_tells_likely_text_from_unlikely(tmp_path: Path) -> None:
    pytest.importorskip("kenlm")
    arpa = tmp_path / "m.arpa"
    grams = "-1\t<unk>\t0\n0\t<s>\t0\n-1\t</s>\t0\n-0.5\t本\t0\n-2\t字\t0\n\n\\2-grams:\n-0.25\t本 </s>\n"
    arpa.write_text(f"\\data\\\nngram 1=5\nngram 2=1\n\n\\1-grams:\n{grams}\n\\end\\\n", encoding="utf-8")
    value = Own("own.lm", "kenlm", str(arpa), tokens="characters").value()
    assert value("本") == pytest.approx(10 ** (0.75 / 2))  # 本 and </s>
    assert value("本\n字") == pytest.approx(10 ** ((0.75 + 3) / 4))


@pytest.mark.parametrize(
    ("kind", "content", "said"),
    [("classifier", b"PK\x03\x04", "train-classifier"), ("fasttext", b"x" * 99, "not a fastText"), ("list", "ア".encode(), "phrase"),
     ("kenlm", b"x", "kenlm|KenLM")],
)  # fmt: skip
def test_a_file_of_another_kind_is_told(tmp_path: Path, kind: str, content: bytes, said: str) -> None:
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(InputError, match=rf"own\.x: .*({said})"):
        Own("own.x", kind, str(tmp_path / "f")).resources()  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no such file"):
        Own("own.x", kind, str(tmp_path / "g")).resources()  # type: ignore[arg-type]


def test_a_changed_file_is_another_measure(tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    own = Own("own.w", "list", str(file))
    file.write_text("合言葉", encoding="utf-8")
    before, first = own.resources(), own.value()("合言葉と本")
    file.write_text("合言葉 本棚", encoding="utf-8")
    assert own.resources() != before
    assert first == pytest.approx(3 / 5)
    assert own.value()("合言葉と本棚") == pytest.approx(5 / 6)


MEASURES = """
[[measure]]
name = "wording"
kind = "list"
path = "wording.txt"
at_most = 0.05
because = "advertising"
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [('name = "wording"', 'name = "Wo rding"', "name"), ('"list"', '"lists"', "did you mean"), ('because = "advertising"', "", "because"),
     ("at_most", "at_moist", "at_most"), ('kind = "list"', 'kind = "list"\nlabel = "x"', "label"), (MEASURES, MEASURES * 2, "its own name"),
     ('path = "wording.txt"', 'path = "none.txt"', "no such file"), ("[[measure]]", "[measure]", "[[measure]]")],
)  # fmt: skip
def test_a_wrong_table_is_told_before_anything_runs(tmp_path: Path, old: str, new: str, said: str) -> None:
    (tmp_path / "wording.txt").write_text("限定プレゼント", encoding="utf-8")
    made = recipe(tmp_path, _sources(tmp_path) + MEASURES.replace(old, new))
    done = seimai("run", made, "--runner", "local")
    assert done.code != 0
    assert said in done.err
    assert "Traceback" not in done.err


def _sources(folder: Path) -> str:
    lines = folder / "a.jsonl"
    texts = [(CALM + "\n") * 3 + text for text in _made(CALM, 7, 4)] + [LOUD * 5 + text for text in _made(LOUD, 8, 4)]
    lines.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    return source("a", "jsonl", lines, license="CC0-1.0")


def test_a_run_judges_by_its_own_measures_and_says_so_everywhere(tmp_path: Path, trained: Path) -> None:
    words = tmp_path / "wording.txt"
    words.write_text("# of shops\n限定プレゼント 友だち追加", encoding="utf-8")
    quality = f"""
[[measure]]
name = "quality"
kind = "classifier"
path = "{trained / "model.npz"}"
at_least = 0.5
because = "prose is wanted"
"""
    chosen = "[filters]\nselect = []\n"  # the texts are of pieces said again: JA301 and others would have them
    made = recipe(tmp_path, _sources(tmp_path) + MEASURES + quality + chosen)
    ran = seimai("run", made, "--runner", "local", "--workers", 1)
    assert ran.code == 0
    assert "own.quality" in ran.out
    manifest = json.loads((tmp_path / "release/manifest.json").read_text(encoding="utf-8"))
    assert sum(manifest["funnel"]["rejected"].values()) == 4
    assert manifest["funnel"]["rejected"].keys() <= {"own.quality", "own.wording"}
    assert "own.quality" in json.dumps(manifest)
    before = tree(tmp_path / "release")
    assert seimai("run", made, "--runner", "local", "--workers", 2).code == 0
    assert tree(tmp_path / "release") == before

    assert "own.quality" in seimai("tune", "own.quality", made).out
    words.write_text("友だち追加", encoding="utf-8")
    planned = seimai("plan", made).out
    assert "measure-own.wording" in planned
