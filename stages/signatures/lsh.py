"""Locality-sensitive hashing: B bands of R rows of a signature, chosen for the share of true pairs it finds.

A pair of Jaccard J shares a band with probability P(found | J) = 1 - (1 - J**R)**B (Leskovec, Rajaraman & Ullman,
Mining of Massive Datasets, 3.4.2). There is no threshold in it: 14 x 8 finds 56 % at .7, 92 % at .8 and 99.95 % at .9.
What is found is a suspicion; `dedup` measures before it drops.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filters.kernels import kernel

Keys = npt.NDArray[np.uint64]

# Band numbers from here on, which no band of a signature reaches: keys of exact hashes, document ids, addresses.
EXACT_SPACE, ID_SPACE, ADDRESS_SPACE = 1 << 16, 1 << 17, 1 << 18


class Shape(NamedTuple):
    """Bands and rows of a signature."""

    bands: int = 14
    rows: int = 8  # with 14 bands FineWeb-2's shape, and 112 permutations


def found(jaccard: float, shape: Shape) -> float:
    """P(found | J): the share of pairs of this Jaccard similarity that share at least one band."""
    return 1.0 - (1.0 - jaccard**shape.rows) ** shape.bands


def shape_for_recall(recall: float, jaccard: float, permutations: int) -> Shape:
    """The shape with the fewest false suspicions (most rows) that finds `recall` of the pairs at `jaccard`.

    ValueError when even one row a band does not.
    """
    for rows in range(permutations, 0, -1):
        shape = Shape(permutations // rows, rows)
        if found(jaccard, shape) >= recall:
            return shape
    raise ValueError(f"no shape of {permutations} permutations finds {recall:.3f} of the pairs at Jaccard {jaccard}")


def shape_for_threshold(threshold: float, permutations: int, weights: tuple[float, float] = (0.5, 0.5)) -> Shape:
    """datasketch's own choice: least weighted area of false positives and false negatives around a threshold."""
    from datasketch import MinHashLSH  # here for the reason given in `minhash_kernel.permutations`

    index = MinHashLSH(threshold=threshold, num_perm=permutations, weights=weights)
    return Shape(int(index.b), int(index.r))


@kernel
def _band_keys(words: npt.NDArray[np.uint32], bands: int, rows: int, space: int, out: Keys) -> None:
    for document in range(words.shape[0]):
        for band in range(bands):
            key = np.uint64(space + band + 1) * np.uint64(0x9E3779B97F4A7C15)
            for row in range(rows):
                key = (key ^ np.uint64(words[document, band * rows + row])) * np.uint64(0xFF51AFD7ED558CCD)
                key ^= key >> np.uint64(32)
            key *= np.uint64(0xC4CEB9FE1A85EC53)
            out[document, band] = key ^ (key >> np.uint64(29))


def band_keys(signatures: npt.NDArray[np.uint32], shape: Shape) -> Keys:
    """64-bit hash of (band number, rows of the band), shape (documents, bands).

    The number of the band is part of the hash, so equal rows in different bands do not meet. ValueError when the
    signatures, shape (documents, permutations), are shorter than bands x rows.
    """
    bands, rows = shape
    if bands < 1 or rows < 1 or bands * rows > signatures.shape[1]:
        raise ValueError(f"{bands} bands of {rows} rows do not fit {signatures.shape[1]} permutations")
    out = np.empty((len(signatures), bands), dtype=np.uint64)
    _band_keys(signatures, bands, rows, 0, out)
    return out


def exact_keys(hashes: npt.NDArray[np.uint32]) -> Keys:
    """64-bit keys of 128-bit exact hashes given as shape (documents, 4), in a key space of their own."""
    return _whole_keys(hashes, EXACT_SPACE)


def id_keys(ids: npt.NDArray[np.uint32]) -> Keys:
    """64-bit keys of document ids given as shape (documents, 4), in a key space of their own."""
    return _whole_keys(ids, ID_SPACE)


def address_keys(hashes: npt.NDArray[np.uint32]) -> Keys:
    """64-bit keys of hashes of canonical URLs given as shape (documents, 4), in a key space of their own."""
    return _whole_keys(hashes, ADDRESS_SPACE)


def _whole_keys(words: npt.NDArray[np.uint32], space: int) -> Keys:
    out = np.empty((len(words), 1), dtype=np.uint64)
    _band_keys(words, 1, 4, space, out)
    return out[:, 0]


def sketch(signatures: npt.NDArray[np.uint32], bits: int) -> npt.NDArray[np.uint8]:
    """The lowest `bits` bits of every minimum, packed; shape (documents, ceil(permutations * bits / 8)).

    b-bit minwise hashing (Li & König 2010): two unlike minima still agree in b bits once in 2**b, so with a share m
    of agreeing cells J is estimated by (m - 2**-b) / (1 - 2**-b). At J = .8, k = 112 and b = 2 its standard error is
    .045 against .038 of the full signature, in 28 bytes instead of 448.
    """
    cells = (signatures[:, :, None] >> np.arange(bits, dtype=np.uint32)) & np.uint32(1)
    flat = cells.reshape(len(signatures), signatures.shape[1] * bits)
    return np.packbits(flat.astype(np.uint8), axis=1)
