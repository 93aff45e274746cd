"""Fixed-size binary columns as numpy matrices and back, without a Python object a row."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Matrix = npt.NDArray[Any]


def matrix(column: pa.ChunkedArray | pa.Array, dtype: str) -> Matrix:
    """A fixed-size binary column without nulls -> shape (rows, width / item size of `dtype`)."""
    if column.null_count:
        raise AssertionError(f"{column.null_count} nulls in a column that is read as bytes")
    array = pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) and column.num_chunks else column
    width = column.type.byte_width
    if len(column) == 0:
        return np.empty((0, width), dtype=np.uint8).view(dtype)
    data = np.frombuffer(array.buffers()[1], dtype=np.uint8)
    return data[array.offset * width : (array.offset + len(array)) * width].reshape(len(array), width).view(dtype)


def binary(rows: Matrix, valid: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """uint8, shape (n, width) -> a binary(width) column of n rows, null where `valid` is False."""
    n, width = rows.shape
    bitmap = None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little").tobytes())
    data = pa.py_buffer(np.ascontiguousarray(rows, dtype=np.uint8).tobytes())
    return pa.Array.from_buffers(pa.binary(width), n, [bitmap, data])
