from __future__ import annotations

import json
import sys

import pytest

from tests.stage_versions import FILE, closure, state


@pytest.mark.skipif(
    sys.version_info[:2] != (3, 11), reason="syntax trees differ between Python minors; recorded on 3.11"
)
def test_a_changed_stage_raises_its_version_or_says_that_its_output_is_the_same() -> None:
    recorded, now = json.loads(FILE.read_text()), state()
    changed = [name for name in now if now[name] != recorded.get(name)]
    assert not changed, (
        f"the source behind {', '.join(changed)} has changed. If the same input may now give another output, raise the "
        "stage's `version`. Then, or if no output can differ, run: python -m tests.stage_versions"
    )
    assert set(recorded) == set(now)


def test_the_source_of_a_stage_is_all_that_it_imports() -> None:
    assert {"stages.language.language", "stages.edits.edits", "stages.language.paragraphs"} <= set(
        closure("stages.language.language")
    )
    assert {"stages.charset.charset", "stages.charset.bytescan", "filters.kernels"} <= set(
        closure("stages.readers.warc")
    )


def test_the_parser_behind_the_guard_counts_as_source_of_extraction() -> None:
    """`html` is started by name in the child, so no import shows it."""
    assert "stages.html" in closure("stages.readers.warc")
