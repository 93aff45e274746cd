"""What would become of a text that is in no run: a file, or what is piped in. Computed anew, by the stages' own functions."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from filters import FILTERS
from filters.page import Page
from filters.text import Text
from filters.words import Words
from pipeline.errors import UsageError
from pipeline.explain.report import meaning
from pipeline.explain.trace_edits import changes
from pipeline.explain.trace_values import value_lines
from pipeline.recipe.filters import of_profile
from pipeline.recipe.recipe import Recipe
from stages import html
from stages.caps import Caps, TooMuch
from stages.charset.charset import declared, decode, gate
from stages.edits.edits import within_page
from stages.language.language import score
from stages.language.lid import BUILT_IN, identify, model_path
from stages.measure.judge import Bound
from stages.measure.own import Own
from stages.pii.pii import DEFAULT, mask
from stages.spans import apply

_PAGE = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|\?xml)\b", re.IGNORECASE | re.DOTALL)
_HEAD = 4096  # bytes in which a page shows that it is one


def read(target: str) -> bytes:
    """The bytes of a file, or of standard input for '-'. Raises UsageError."""
    if target == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(target).read_bytes()
    except IsADirectoryError:
        raise UsageError(f"{target} is a directory; give a file with one text or one HTML page") from None


def explain(name: str, body: bytes, recipe: Recipe | None, shown: int | None) -> Iterator[str]:
    """The way of one text through the bounds of `recipe`, or of the default profile; the last line is its fate."""
    yield "standard input" if name == "-" else name
    if not _PAGE.match(body[:_HEAD]):
        yield from _text(_plain(name, body), "", "", 0, recipe, shown)
        return
    verdict = gate(body, declared(body, {}))
    if verdict is None:
        yield f"  gate: passed.not-japanese: {meaning('passed.not-japanese')}"
        yield "=> not in a release"
        return
    decoded = decode(body, verdict)
    yield f"  an HTML page in {decoded.encoding} (by {decoded.how})"
    try:
        found = html.extract(decoded.text, Caps())
    except TooMuch as reason:
        yield f"  extract: {reason}"
        yield "=> not in a release"
        return
    if not found.text:
        yield f"  extract: extract.empty: {meaning('extract.empty')}"
        yield "=> not in a release"
        return
    yield from _text(found.text, found.title, found.declared_language, decoded.replaced, recipe, shown)


def _plain(name: str, body: bytes) -> str:
    if body.startswith((b"\x1f\x8b", b"WARC/")):
        raise UsageError(f"{name}: trace takes one text or one HTML page; for a WARC file: seimai dry-run RECIPE")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{name}, byte {error.start}: not UTF-8; save the text as UTF-8, or give the HTML page as it is"
        ) from None


def _text(
    text: str, title: str, language: str, replaced: int, recipe: Recipe | None, shown: int | None
) -> Iterator[str]:
    yield f"  {len(text):,} characters"
    yield from changes(text, shown)
    edited = apply(text, within_page(text))
    answer = identify(edited, model_path(BUILT_IN))
    scored = score(edited, answer.japanese, title, language)
    yield (
        f"  language: {answer.language} ({answer.probability:.2f}), Japanese score {scored.japanese:.2f}, "
        f"{scored.paragraphs:.0%} in Japanese paragraphs"
    )
    page = Page(
        declared_language=language,
        replaced=replaced,
        characters=len(text),
        japanese=scored.japanese,
        language=answer.language,
    )
    chosen = recipe or of_profile("default")
    own = {own.code: own for own in recipe.measures if isinstance(own, Own)} if recipe else {}
    bounds = [bound for bound in chosen.bounds if bound.code in FILTERS or bound.code in own]  # a file has no host
    values = _values(bounds, edited, page, own)
    yield from value_lines(bounds, chosen.because, values)
    masked = mask(edited, recipe.pii if recipe else DEFAULT)
    if masked.counts:
        yield f"  masked when it is written: {', '.join(f'{kind} {n}' for kind, n in masked.counts.items())}"
    failed = [bound.code for bound in bounds if not bound.keeps(values[bound.code])]
    others = f", and by {', '.join(failed[1:])}" if len(failed) > 1 else ""
    whose = recipe.path if recipe else "the default profile"
    yield (
        f"=> rejected by {failed[0]} ({meaning(failed[0])}){others}" if failed else f"=> kept by all filters of {whose}"
    )


def _values(bounds: Sequence[Bound], text: str, page: Page, own: Mapping[str, Own]) -> dict[str, float]:
    views = {Text: Text(text), Words: Words(text), Page: page}
    return {
        bound.code: FILTERS[bound.code].value(views[FILTERS[bound.code].view])  # type: ignore[arg-type]
        if bound.code in FILTERS
        else own[bound.code].value()(text)
        for bound in bounds
    }
