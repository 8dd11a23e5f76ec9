"""Stretches of rows with one key in a long stream of keys, and which keys have more than one stretch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from tempfile import SpooledTemporaryFile

import numpy as np
import numpy.typing as npt

from serving.batch.chunk import starts

Keys = npt.NDArray[np.object_]
Lengths = npt.NDArray[np.intp]
_BUCKET_BITS = 4
_IN_MEMORY = 1 << 20
"""Bytes of a bucket that are kept in memory; more of them go to disk, so that memory does not grow with the file."""


def stretches(blocks: Iterable[Keys]) -> Iterator[tuple[Keys, Lengths]]:
    """Cut a stream of keys into stretches.

    Args:
        blocks: keys of consecutive rows, None where a row has none; such a row is a stretch of its own.

    Yields:
        Keys of some stretches, in order, and how many rows each has.
    """
    last, rows = np.empty(0, dtype=object), np.empty(0, dtype=np.intp)
    for keys in blocks:
        begin = np.flatnonzero(starts(keys))
        names, lengths = keys[begin], np.diff(np.append(begin, len(keys)))
        if len(last) and len(names) and last[0] is not None and names[0] == last[0]:
            lengths[0] += rows[0]
        else:
            names, lengths = np.append(last, names), np.append(rows, lengths)
        yield names[:-1], lengths[:-1]
        last, rows = names[-1:], lengths[-1:]  # it may go on in the next block
    yield last, rows


class Hashes:
    """Hashes of the keys of stretches, eight bytes each; they raise suspicions only, since two keys may share one."""

    def __init__(self) -> None:
        """No key yet."""
        # closed once they are read
        self._buckets = [SpooledTemporaryFile(max_size=_IN_MEMORY) for _ in range(1 << _BUCKET_BITS)]  # noqa: SIM115

    def add(self, keys: Keys) -> None:
        """Take the keys of more stretches, none of them None."""
        hashes = np.fromiter(map(hash, keys), np.int64, len(keys))
        places = hashes & (len(self._buckets) - 1)
        for place, bucket in enumerate(self._buckets):
            bucket.write(hashes[places == place].tobytes())

    def repeated(self) -> frozenset[int]:
        """Hashes of more than one stretch; what was taken is gone after that."""
        found: set[int] = set()
        for bucket in self._buckets:
            bucket.seek(0)
            ordered = np.sort(np.frombuffer(bucket.read(), np.int64))
            found.update(ordered[1:][ordered[1:] == ordered[:-1]].tolist())
            bucket.close()
        return frozenset(found)
