"""Counting tokens, against the tokenizer's library alone; verifying, exporting and removing, against reading the shards.

    python -m tests.bench.release [--documents N]

A tokenizer.json and a sentencepiece model are trained here, of 8,000 entries, as none comes inside a package. Ratios are
the median of five rounds in which both sides take turns.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow.parquet as pq
import sentencepiece
import tiktoken
import tokenizers
from tiktoken.load import load_tiktoken_bpe

from stages.measure.vocabulary import PATTERNS, Named, vocabulary_path
from tests.corpora import documents, own, text
from tests.runs import SHARED, recipe, seimai

ROUNDS = 5


def texts(limit: int) -> list[str]:
    """Real Japanese texts where the development data are there, else made ones."""
    found: list[str] = []
    for name in ("clean_ja", "web_text_ja"):
        file = SHARED / "text" / f"{name}.jsonl"
        lines = file.read_bytes().splitlines() if file.exists() else []
        found += [json.loads(line)["text"] for line in lines]
    return (found or [text(seed, 60) for seed in range(limit)])[:limit]


def seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def ratio(ours: Callable[[], object], theirs: Callable[[], object]) -> tuple[float, float]:
    """Median of speed ours / theirs, and the seconds of ours."""
    ours(), theirs()
    rounds = [(seconds(ours), seconds(theirs)) for _ in range(ROUNDS)]
    return statistics.median(b / a for a, b in rounds), statistics.median(a for a, _ in rounds)


def trained(folder: Path, sample: Sequence[str]) -> dict[str, Path]:
    hf = tokenizers.Tokenizer(tokenizers.models.BPE())
    hf.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    hf.train_from_iterator(sample, tokenizers.trainers.BpeTrainer(vocab_size=8000, show_progress=False))
    hf.save(str(folder / "tokenizer.json"))
    lines = [line for each in sample for line in each.splitlines() if line][:20_000]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_prefix=str(folder / "spm"), vocab_size=8000, hard_vocab_limit=False, minloglevel=2
    )  # fmt: skip
    return {"hf": folder / "tokenizer.json", "spm": folder / "spm.model"}


def alone(folder: Path, files: dict[str, Path], sample: list[str]) -> Iterator[tuple[str, Named, Callable[[], object]]]:
    """What each library does by itself: the loop or the batch that its own documentation shows."""
    ranks = load_tiktoken_bpe(str(vocabulary_path("qwen")))
    encoding = tiktoken.Encoding("q", pat_str=PATTERNS["qwen"], mergeable_ranks=ranks, special_tokens={})
    yield "tiktoken", Named(), lambda: [len(encoding.encode_ordinary(each)) for each in sample]
    hf = tokenizers.Tokenizer.from_file(str(files["hf"]))
    yield (
        "tokenizers",
        Named("hf", str(files["hf"])),
        lambda: [len(each.ids) for each in hf.encode_batch_fast(sample, add_special_tokens=False)],
    )
    spm = sentencepiece.SentencePieceProcessor(model_file=str(files["spm"]))
    yield "sentencepiece", Named("spm", str(files["spm"])), lambda: [len(spm.encode(each)) for each in sample]


def counting(folder: Path, sample: list[str]) -> None:
    size = sum(len(each.encode()) for each in sample) / 1e6
    print(f"counting tokens of {len(sample)} documents, {size:.1f} MB: speed against the library alone")
    for name, named, library in alone(folder, trained(folder, sample), sample):
        tokenizer = named.load()
        share, took = ratio(lambda tokenizer=tokenizer: tokenizer.count(sample), library)
        print(f"  {name:14} {share:.2f} x the library alone, {size / took:.1f} MB/s of one CPU")


def after(folder: Path, limit: int) -> None:
    """A release of made documents, verified, exported and cleaned of one of them."""
    made = [{"id": str(n), "url": f"https://h.example/{n}", "text": text(n, 60)} for n in range(limit)]
    file = recipe(folder, own(documents(folder, "d", made)))
    release = folder / "release"
    (folder / "urls").write_text(f"https://h.example/{limit // 2}\n")
    with contextlib.redirect_stdout(io.StringIO()):
        assert seimai("run", file, "--runner", "local").code == 0

    def wall(work: Callable[[], object]) -> float:
        began = time.monotonic()
        work()
        return time.monotonic() - began

    def shards() -> list[Path]:
        return sorted((release / "data").iterdir())

    read = wall(lambda: [pq.read_table(shard) for shard in shards()])
    before = {shard.name: shard.read_bytes() for shard in shards()}
    print(
        f"a release of {limit:,} documents, {sum(map(len, before.values())) / 1e6:.1f} MB: time against reading it once"
    )
    for name, arguments in {
        "verify": ("verify", release),
        "verify --mode size": ("verify", release, "--mode", "size"),
        "export --to megatron": ("export", release, folder / "megatron", "--to", "megatron"),
        "export --to hf": ("export", release, folder / "hf", "--to", "hf"),
        "remove of one": ("remove", release, "--urls", folder / "urls", "--ticket", "T"),
    }.items():
        took = wall(lambda arguments=arguments: seimai(*arguments))
        print(f"  {name:22} {took / read:.2f} x reading, {took:.2f} s")
    groups = [(content_of(shard), shard) for shard in shards()]
    old = b"".join(before.values())
    same = sum(len(chunk) for chunks, _ in groups for chunk in chunks if chunk in old)
    total = sum(shard.stat().st_size for _, shard in groups)
    print(f"  bytes of shards that removing one document of {limit:,} changed: {1 - same / total:.1%}")


def content_of(shard: Path) -> list[bytes]:
    content, metadata = shard.read_bytes(), pq.read_metadata(shard)
    columns = [
        metadata.row_group(g).column(c) for g in range(metadata.num_row_groups) for c in range(metadata.num_columns)
    ]
    return [content[c.data_page_offset : c.data_page_offset + c.total_compressed_size] for c in columns]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=20_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        counting(Path(scratch), texts(20_000))
    with tempfile.TemporaryDirectory() as scratch:
        after(Path(scratch), options.documents)


if __name__ == "__main__":
    main()
