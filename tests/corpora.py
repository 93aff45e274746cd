"""Tables of made Japanese documents, and runs over them, for tests of what comes after dedup."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tests.runs import recipe, seimai, source

WORDS = [
    "山",
    "川",
    "海",
    "空",
    "雨",
    "風",
    "花",
    "鳥",
    "月",
    "雪",
    "朝",
    "夕",
    "町",
    "村",
    "駅",
    "本",
    "紙",
    "音",
    "光",
    "影",
    "橋",
    "道",
    "森",
    "畑",
    "舟",
    "窓",
    "庭",
    "茶",
    "米",
    "塩",
]
ENDS = ("を見た。", "へ行きました。", "の話を聞く。", "が好きだった。", "について書いた。\n")


def text(seed: int, sentences: int = 20) -> str:
    rng = random.Random(seed)
    return "".join(
        "".join(rng.choice(WORDS) + rng.choice("のとにも") for _ in range(rng.randint(2, 6))) + rng.choice(ENDS)
        for _ in range(sentences)
    )


def documents(folder: Path, name: str, rows: Sequence[dict[str, Any]]) -> Path:
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def own(*files: Path, name: str = "own", more: str = "") -> str:
    """A source of rows with id, url and text, taken as they are."""
    return source(name, "jsonl", *files, join="dedup", license="CC0-1.0", id_column="id", url_column="url") + more


def run(folder: Path, text: str, workers: int = 1) -> dict[str, Any]:
    """Run a recipe and verify its release. Returns the manifest."""
    ran = seimai("run", recipe(folder, text), "--runner", "local", "--workers", workers)
    assert ran.code == 0, ran.err
    verified = seimai("verify", folder / "release")
    assert verified.code == 0, verified.out
    return manifest(folder)


def manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "release" / "manifest.json").read_bytes())


def rows(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "release" / "shards.jsonl").read_text().splitlines()
    return [
        row
        for line in lines
        for row in pq.read_table(folder / "release" / json.loads(line)["path"], partitioning=None).to_pylist()
    ]
