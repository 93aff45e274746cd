"""A linear classifier over hashed character n-grams: no tokenizer, no morphological analyser, one pass over the text.

n-grams of 1, 2 and 3 characters are hashed to 2^18 buckets; a bucket's feature is log(1 + count) times its inverse document
frequency, the features of a document have length 1, and the score is a calibrated logistic probability. Trained by
`pipeline.train`. White space counts as one space and every digit as 0, so that neither layout nor years decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from filters.chars import Char
from filters.kernels import kernel
from filters.text import Text

BUCKETS: Final = 1 << 18  # of 1,112 labelled pages 2^16 gives AUC .820, 2^18 .826, 2^20 .827
LONGEST: Final = 3
_MAGIC: Final = "seimai classifier 1"
_SPACE, _ZERO = np.uint32(0x20), np.uint32(0x30)
_PRIME: Final = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, eq=False)
class Classifier:
    """idf, weight: (BUCKETS,). bias: of the logit. scale, shift: calibration, p = 1 / (1 + exp(-(scale * logit + shift)))."""

    idf: NDArray[np.float32]
    weight: NDArray[np.float32]
    bias: float
    scale: float = 1.0
    shift: float = 0.0

    def logit(self, text: Text) -> float:
        buckets, values = features(text)
        weighted = values * self.idf[buckets]
        length = float(np.sqrt(np.dot(weighted, weighted)))
        return float(np.dot(weighted, self.weight[buckets])) / length + self.bias if length else self.bias

    def probability(self, text: Text) -> float:
        """That the text is of the good kind."""
        return float(1 / (1 + np.exp(-(self.scale * self.logit(text) + self.shift))))

    def save(self, path: Path) -> None:
        """The same classifier gives the same bytes."""
        with path.open("wb") as file:
            np.savez(file, magic=np.array(_MAGIC), idf=self.idf, weight=self.weight,
                     numbers=np.array([self.bias, self.scale, self.shift]))  # fmt: skip

    @classmethod
    def load(cls, path: Path) -> Classifier:
        """Raises ValueError, naming the file, for what `save` has not written."""
        try:
            with (
                path.open("rb") as file,
                np.load(file, allow_pickle=False) as found,
            ):  # NumPy leaves open what is no zip
                if str(found["magic"]) == _MAGIC and found["idf"].shape == found["weight"].shape == (BUCKETS,):
                    return cls(found["idf"], found["weight"], *found["numbers"].tolist())
        except FileNotFoundError:
            raise ValueError(f"{path}: no such classifier") from None
        except Exception as error:  # zipfile, NumPy and the above each have their own
            raise ValueError(f"{path}: not a classifier that `seimai train-classifier` made: {error}") from None
        raise ValueError(f"{path}: made by another version of `seimai train-classifier`; train it again")


def features(text: Text) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Buckets that occur, ascending, and log(1 + count) of each."""
    buckets = np.bincount(_hashed(_plain(text)), minlength=BUCKETS)
    present = np.flatnonzero(buckets).astype(np.int32)
    return present, np.log1p(buckets[present]).astype(np.float32)


def _plain(text: Text) -> NDArray[np.uint32]:
    codes, classes = text.codes, text.classes
    codes = np.where(classes == Char.DIGIT, _ZERO, np.where(classes == Char.SPACE, _SPACE, codes))
    repeated = np.zeros(len(codes), np.bool_)
    repeated[1:] = (codes[1:] == _SPACE) & (codes[:-1] == _SPACE)
    return codes[~repeated]


@kernel
def _hashed(codes: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Bucket of every n-gram."""
    out = np.empty(3 * len(codes), np.int64)
    count = 0
    for start in range(len(codes)):
        hash = np.uint64(0)
        for length in range(min(3, len(codes) - start)):
            hash = (hash + np.uint64(codes[start + length]) + np.uint64(1)) * _PRIME
            hash ^= hash >> np.uint64(29)
            out[count] = np.int64((hash * _PRIME) >> np.uint64(46))
            count += 1
    return out[:count]
