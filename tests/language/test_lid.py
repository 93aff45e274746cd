from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.base import InputError
from stages.language.language import Language
from stages.language.lid import BUILT_IN, SAMPLE, identify, model_path, sample

ANY = st.text(st.characters(exclude_categories=()), max_size=300)  # lone surrogates included


@given(ANY)
def test_the_model_answers_any_text(text: str) -> None:
    language, probability, japanese = identify(text, model_path(BUILT_IN))
    assert 0.0 <= japanese <= probability <= 1.0
    assert bool(language) == bool(text.split())


@given(st.integers(0, 4 * SAMPLE))
def test_a_sample_is_bounded_and_takes_head_middle_and_tail(size: int) -> None:
    text = "".join(chr(0x4E00 + i) for i in range(size))
    taken = sample(text)
    assert len(taken.replace("\n", "")) == min(size, SAMPLE)
    assert taken[:1] == text[:1]
    assert taken[-1:] == text[-1:]
    if size > SAMPLE:
        assert text[size // 2] in taken


def test_a_notice_at_the_head_does_not_name_the_language() -> None:
    notice = "We use cookies to improve your experience. Accept all cookies or manage your preferences here. "
    text = notice + "昨日は友人と京都へ行きました。紅葉がとてもきれいでした。" * 60
    assert identify(text, model_path(BUILT_IN)).language == "ja"


def write_model(path: Path, *labels: str) -> Path:
    """A whole fastText model that knows two words: to 日本語 it answers the first label, to English the second.

    By construction: training is not the same twice, and stops at a NaN now and then.
    """
    arguments = struct.pack("<12id", 2, 5, 5, 1, 5, 1, 3, 3, 0, 0, 0, 100, 1e-4)  # 2 dimensions, softmax, supervised
    entries = [(word, 0) for word in ("日本語", "English")] + [(label, 1) for label in labels]
    dictionary = struct.pack("<iiiqq", len(entries), 2, len(labels), 4, -1)
    dictionary += b"".join(word.encode() + b"\0" + struct.pack("<qb", 1, kind) for word, kind in entries)
    matrix = struct.pack("<?qq4f", False, 2, 2, 3.0, 0.0, 0.0, 3.0)
    path.write_bytes(struct.pack("<ii", 793712314, 12) + arguments + dictionary + matrix + matrix)
    return path


def test_a_model_may_name_japanese_with_its_script(tmp_path: Path) -> None:
    """GlotLID and OpenLID write jpn_Jpan."""
    path = model_path(str(write_model(tmp_path / "glotlid.bin", "__label__jpn_Jpan", "__label__eng_Latn")))
    answer = identify("日本語 日本語", path)
    assert answer.language == "ja"
    assert answer.japanese == answer.probability > 0.9
    assert identify("English", path)[0] == "eng_Latn"
    assert identify("English", path).japanese < 0.1


def test_a_model_without_japanese_is_refused(tmp_path: Path) -> None:
    path = write_model(tmp_path / "birds.bin", "__label__owl", "__label__crow")
    with pytest.raises(InputError, match=r"birds\.bin: no label for Japanese .* among 2: __label__crow, __label__owl"):
        model_path(str(path))


@pytest.mark.parametrize("kind", ["dense", "quantised"])
def test_a_model_that_breaks_off_is_refused_wherever_it_does(kind: str, tmp_path: Path) -> None:
    """fastText itself reads for ever where the dictionary is cut, and answers from noise where a matrix is."""
    dense = write_model(tmp_path / "whole.bin", "__label__ja", "__label__en")
    whole = (dense if kind == "dense" else model_path(BUILT_IN)).read_bytes()
    copy = tmp_path / "copy.bin"
    copy.write_bytes(whole)
    assert model_path(str(copy)) == copy
    for i, size in enumerate((0, 7, 8, 60, 90, len(whole) // 2, len(whole) - 1)):
        cut = tmp_path / f"{i}.bin"
        cut.write_bytes(whole[:size])
        with pytest.raises(InputError, match=r"\.bin: (not a fastText model|a fastText model that breaks off)"):
            model_path(str(cut))


def test_what_is_no_model_is_named(tmp_path: Path) -> None:
    page = tmp_path / "lid.bin"
    page.write_text("<html>404 not found</html>")
    with pytest.raises(InputError, match=r"lid\.bin: not a fastText model"):
        model_path(str(page))
    with pytest.raises(InputError, match=r"/nowhere/lid\.bin: no such fastText model; give a path"):
        model_path("/nowhere/lid.bin")


def test_the_model_is_known_by_its_content_not_its_path(tmp_path: Path) -> None:
    assert Language().params() == {}
    assert Language().resources()["model"].startswith("8f3472cf")
    copy = tmp_path / "other name.ftz"
    copy.write_bytes(model_path(BUILT_IN).read_bytes())
    assert Language(model=str(copy)).resources() == Language().resources()
    own = write_model(tmp_path / "own.bin", "__label__ja", "__label__en")
    assert Language(model=str(own)).resources() != Language().resources()
