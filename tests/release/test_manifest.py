"""The manifest: every field described, the schema holds it, and no machine shows in it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pipeline.manifest.manifest import SCHEMA, schema
from tests.corpora import documents, manifest, own, run, text
from tests.runs import GOLDEN, seimai, tree


def fields() -> list[tuple[str, str, dict[str, Any]]]:
    models = {"Manifest": schema(), **schema()["$defs"]}
    return [(name, key, field) for name, model in models.items() for key, field in model["properties"].items()]


def test_every_field_is_described() -> None:
    assert [f"{model}.{key}" for model, key, field in fields() if not field.get("description")] == []
    assert [name for name, model in schema()["$defs"].items() if not model.get("description")] == []


def test_the_committed_schema_is_that_of_the_code_and_holds_a_release(golden_run: Path) -> None:
    described = json.loads(SCHEMA.read_text())
    assert described == schema()
    jsonschema.validate(manifest(golden_run), described)
    line = {"$ref": "#/$defs/ShardEntry", "$defs": described["$defs"]}
    for entry in (golden_run / "release" / "shards.jsonl").read_text().splitlines():
        jsonschema.validate(json.loads(entry), line)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**manifest(golden_run), "more": 1}, described)


def test_what_is_written_is_validated(golden_run: Path) -> None:
    from pydantic import ValidationError

    from pipeline.manifest.manifest import Manifest

    told = manifest(golden_run)
    told["shards"]["documents"] = "many"
    with pytest.raises(ValidationError):
        Manifest.model_validate(told)


def test_other_places_workers_and_days_give_one_manifest(tmp_path: Path) -> None:
    made = [{"id": str(n), "url": f"https://h{n % 3}.example/{n}", "text": text(n)} for n in range(40)]
    folders = [tmp_path / "a", tmp_path / "b" / "deeper" / "日本"]
    for number, folder in enumerate(folders, 1):
        folder.mkdir(parents=True)
        for name in ("crawl-1", "crawl-2"):
            shutil.copyfile(GOLDEN / f"{name}.warc.gz", folder / f"{name}.warc.gz")
        files = [documents(folder, "one", made[:25]), documents(folder, "two", made[25:])]
        crawl = f'[[source]]\nname = "crawl"\nkind = "warc"\nfiles = ["{folder}/*.warc.gz"]\ntokens_per_host = 3000\n'
        run(folder, crawl + own(*files[:: 1 if number == 1 else -1]) + "[splits]\nvalidation = 0.1\n", number)
    assert manifest(folders[0])["id"] == manifest(folders[1])["id"]
    assert tree(folders[0] / "release") == tree(folders[1] / "release")


def test_quality_values_are_columns_where_they_were_measured(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    crawl = f'[[source]]\nname = "crawl"\nkind = "warc"\nfiles = ["{GOLDEN}/crawl-1.warc.gz"]\n'
    taken = own(documents(tmp_path, "d", [{"id": "1", "url": "", "text": text(1)}]))
    values = '[output]\nvalues = ["JA101", "JA201"]\nbase_url = "https://corpus.example/v1"\n'
    (tmp_path / "recipe.toml").write_text(f'name = "test"\n{crawl}{taken}{values}work = "work"\nrelease = "release"\n')
    ran = seimai("run", tmp_path / "recipe.toml", "--runner", "local", "--workers", 1)
    assert ran.code == 0, ran.err
    assert seimai("verify", tmp_path / "release").code == 0
    table = pq.read_table(tmp_path / "release" / "data", partitioning=None)
    shares = {row["source"]: row["JA101"] for row in table.to_pylist()}
    assert shares["own"] is None
    assert 0 < shares["crawl"] < 1
    assert manifest(tmp_path)["base_url"] == "https://corpus.example/v1/"
    assert {"JA101", "JA201"} < manifest(tmp_path)["columns"].keys()
    (tmp_path / "recipe.toml").write_text((tmp_path / "recipe.toml").read_text().replace("JA201", "JA2O1"))
    ran = seimai("plan", tmp_path / "recipe.toml")
    assert (ran.code, "no measure 'JA2O1'" in ran.err) == (2, True)
