"""Files of a work folder that are not what was written: healed, or one line that names the file, and never another release."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.commit.commit import canonical
from pipeline.commit.sets import lines, packed
from pipeline.engine.plan import Plan, why_stale
from pipeline.recipe.recipe import load
from pipeline.session import make_release
from pipeline.store.folder import LocalStore
from pipeline.store.sealed import unseal
from tests.kill_corpus import kill_corpus, stricter
from tests.runs import Ran, seimai, tree

Damage = Callable[[Path], None]


def empty(file: Path) -> None:
    file.write_bytes(b"")


def cut(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: 2 * len(content) // 3])


def garbage(file: Path) -> None:
    file.write_bytes(b"\x00\xff[{\n\xe3\x81")


def other_json(file: Path) -> None:
    file.write_bytes(b'{"markers": [{"part_fp": 7}], "files": [], "run": {}}')


def blank(file: Path) -> None:
    file.write_bytes(b"\n")


def folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def flipped(file: Path) -> None:
    """The same JSON with another number."""
    content = file.read_bytes()
    numbers, hashes = rb"(?<=[:\n])[2-7](?=[\d,}])", rb"(?<=[0-9a-f]{8})[2-7](?=[0-9a-f]{8})"
    found = [match.start() for match in [*re.finditer(numbers, content)] or re.finditer(hashes, content)]
    place = found[len(found) // 2]
    file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    json.loads(file.read_bytes())


EVERY = (empty, cut, garbage, other_json, folder)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("damage")
    ran = seimai("run", kill_corpus(made, files=3), "--runner", "local", "--workers", 2)
    assert ran.code == 0, ran.err
    return made


@pytest.fixture
def before(place: Path) -> Iterator[dict[str, str]]:
    """What lies there; the test leaves it so, whatever it did."""
    kept = place.with_name("kept")
    for name in ("work", "release"):
        shutil.copytree(place / name, kept / name)
    yield listed(place)
    for name in ("work", "release"):
        shutil.rmtree(place / name)
        (kept / name).rename(place / name)


def listed(place: Path) -> dict[str, str]:
    return {f"{name}/{file}": sha for name in ("release", "work/stages") for file, sha in tree(place / name).items()}


def again(place: Path) -> Ran:
    ran = seimai("run", place / "recipe.toml", "--runner", "local", "--workers", 1)
    assert "Traceback" not in ran.err
    return ran


def through(place: Path) -> None:
    """A run that has something to do, without a process for it."""
    make_release(load(place / "recipe.toml"), "inline", 1)


def sets(place: Path, stage: str = "*") -> list[Path]:
    return sorted(place.glob(f"work/stages/{stage}/*/STAGE-*.json"))


def of_another_set(file: Path) -> None:
    """Sound in itself, and not what its name says."""
    file.write_bytes(packed(f"STAGE-{'a' * 24}.json", list(lines(file.name, file.read_bytes()))[:-1]))


@pytest.mark.parametrize("damage", [*EVERY, flipped, of_another_set])
def test_consolidated_markers_are_read_past_and_replaced(place: Path, before: dict[str, str], damage: Damage) -> None:
    """Those of all stages at once; where a folder lies, that is said."""
    damaged = sets(place)
    for file in damaged:
        damage(file)
    ran = again(place)
    assert ran.code == 0, ran.err
    assert "everything was committed already" in ran.err
    assert "from an earlier run" not in ran.err, "nothing had to be asked for again"
    told = [line for line in ran.err.splitlines() if "damaged and cannot be replaced" in line]
    if damage is folder:
        assert sorted(line.split(": ")[1] for line in told) == [str(file) for file in damaged]
        for file in damaged:
            file.rmdir()
        assert again(place).code == 0
    else:
        assert not told
    assert listed(place) == before


@pytest.mark.parametrize(
    ("damage", "stage"), [*((damage, "tokens") for damage in (*EVERY, flipped)), (empty, "dedup"), (folder, "dedup")]
)
def test_a_damaged_marker_is_named_and_its_deletion_mends_it(
    place: Path, before: dict[str, str], damage: Damage, stage: str
) -> None:
    marker = min(place.glob(f"work/stages/{stage}/*/commit/*.json"))
    damage(marker)
    for file in sets(place, stage):
        file.unlink()
    ran = again(place)
    assert ran.code == 1
    assert ran.err.splitlines()[-1].endswith(f"{marker}: damaged; delete it and run again")
    shutil.rmtree(marker) if marker.is_dir() else marker.unlink()
    through(place)
    assert listed(place) == before


def test_a_marker_of_another_partition_is_no_marker_of_this_one(place: Path, before: dict[str, str]) -> None:
    one, other = sorted(place.glob("work/stages/tokens/*/commit/*.json"))[:2]
    shutil.copy(other, one)
    for file in sets(place, "tokens"):
        file.unlink()
    ran = again(place)
    assert ran.code == 1
    assert f"{one}: damaged; delete it and run again" in ran.err


def test_a_marker_of_before_there_were_seals_counts(place: Path, before: dict[str, str]) -> None:
    for file in [*sets(place), *place.glob("work/stages/*/*/commit/*.json")]:
        value = unseal(file.read_bytes())
        file.write_bytes(canonical(value.get("markers", value)))
    ran = again(place)
    assert ran.code == 0, ran.err
    assert "everything was committed already" in ran.err
    assert {n: s for n, s in listed(place).items() if "/commit/" not in n} == {
        n: s for n, s in before.items() if "/commit/" not in n
    }


@pytest.mark.parametrize("damage", [empty, cut, flipped, folder])
def test_hashes_of_inputs_are_computed_again(place: Path, before: dict[str, str], damage: Damage) -> None:
    known = place / "work" / "sources.json"
    sound = known.read_bytes()
    damage(known)
    ran = again(place)
    assert ran.code == 0, ran.err
    assert "everything was committed already" in ran.err
    if damage is not folder:  # there it only costs hashing each time
        assert known.read_bytes() == sound
    assert listed(place) == before


@pytest.mark.parametrize("damage", [empty, garbage, folder])
def test_a_description_or_a_record_that_is_damaged_stops_nobody(
    place: Path, before: dict[str, str], damage: Damage
) -> None:
    """`spec.json` says why a stage is stale, records in `runs/` are for people; nothing that counts reads either."""
    for file in [*place.glob("work/stages/*/*/spec.json"), *place.glob("work/runs/*/*.json*")]:
        damage(file)
    changed = stricter(place / "recipe.toml")
    planned = seimai("plan", changed)
    assert (planned.code, planned.err) == (0, "")
    judge = next(stage for stage in Plan(load(changed), ()).chains["web"] if stage.key == "judge")
    why = why_stale(LocalStore(place / "work"), judge)
    assert why == "changed, or never finished: no earlier spec.json can be read"
    cleaned = seimai("gc", place / "recipe.toml")
    assert cleaned.code == 0, cleaned.err
    assert again(place).code == 0
    assert {name for name, sha in listed(place).items() if before.get(name) != sha} <= {
        str(file.relative_to(place)) for file in place.glob("work/stages/*/*/spec.json")
    }


@pytest.mark.parametrize("damage", [empty, garbage, folder])
def test_damaged_claims_and_leases_hold_nobody(place: Path, before: dict[str, str], damage: Damage) -> None:
    for part in place.glob("work/stages/extract/*/commit/*.json"):
        claim = place / "work" / "claims" / part.stem
        claim.write_bytes(b"20260101T000000Z-1-0123abcd")
        damage(claim)
    lease = place / "work" / "leases" / "20260101T000000Z-1-0123abcd.7"
    lease.write_bytes(b'{"host": "elsewhere", "processes": "0123456789ab", "pid": 1}')
    damage(lease)
    for file in [*sets(place, "minhash"), *place.glob("work/stages/minhash/*/commit/*.json")]:
        file.unlink()
    through(place)
    assert listed(place) == before
    assert damage is folder or not [*(place / "work/claims").iterdir()]


@pytest.mark.parametrize("damage", [*EVERY, blank])
@pytest.mark.parametrize("where", ["release/removals.jsonl", "work/removals.jsonl", "work/removals.pending"])
def test_a_damaged_list_of_removals_stops_the_run(
    place: Path, before: dict[str, str], damage: Damage, where: str
) -> None:
    """What it asks for would come back."""
    file = place / where
    file.write_text('{"host":"a.example","ticket":"T-1"}\n{"host":"b.example","ticket":"T-2"}\n')
    damage(file)
    ran = again(place)
    assert ran.code == 1
    (said,) = ran.err.splitlines()
    assert str(file) in said
    assert listed(place) == before | {n: s for n, s in listed(place).items() if n == where}
    if where.startswith("release"):
        asked = place / "hosts.txt"
        asked.write_text("a.example\n")
        refused = seimai("remove", place / "release", "--hosts", asked, "--ticket", "T-3")
        assert (refused.code, len(refused.err.splitlines())) == (1, 1)
        checked = seimai("verify", place / "release")
        assert checked.code == 1
        assert str(file) in checked.err
