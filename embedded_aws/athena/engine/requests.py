"""Counts the bytes that a statement scans, and the S3 requests that Athena would make for it.

Athena lists each partition that the predicates select, with a thousand objects per request. With
partition projection this includes partitions without objects
(https://docs.aws.amazon.com/athena/latest/ug/partition-projection.html). Athena reads a JSON object
in one request. It reads Parquet as Trino does: a small file in one request, a larger one by its
footer and then its columns (https://trino.io/docs/current/object-storage/file-formats.html).
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pyarrow import fs

from embedded_aws.athena.engine.failures import ScanLimitError

KEYS_A_LIST = 1000
SMALL_FILE_BYTES = 3 * 1024 * 1024
"""Trino's parquet.small-file-threshold."""

BYTES_A_GET = 8 * 1024 * 1024
"""Trino's parquet.max-buffer-size."""

SPAN = 32
"""The number of a column's values that are first compared with a filter together, as a range."""

FORMAT = ds.ParquetFileFormat()
FILES = fs.LocalFileSystem()


class Meter:
    """Counts a statement's scanned bytes and its LIST and GET requests. `limit` is the most bytes,
    or None. Thread-safe."""

    def __init__(self, limit: int | None) -> None:
        self.bytes = 0
        self.lists = 0
        self.gets = 0
        self._limit = limit
        self._guard = threading.Lock()

    def add(self, scanned: int = 0, *, lists: int = 0, gets: int = 0) -> None:
        """Add scanned bytes and requests. Raises ScanLimitError if the bytes exceed the limit."""
        with self._guard:
            self.bytes += scanned
            self.lists += lists
            self.gets += gets
            if self._limit is not None and self.bytes > self._limit:
                raise ScanLimitError


def pages(objects: int) -> int:
    """Return the number of LIST requests for a partition of this many objects."""
    return max(1, -(-objects // KEYS_A_LIST))


def parquet_gets(file_bytes: int, column_bytes: Sequence[int]) -> int:
    """Return the number of GET requests that read a Parquet file. `column_bytes` holds, for each
    row group, the bytes of the columns that are read."""
    if file_bytes <= SMALL_FILE_BYTES:
        return 1
    return 1 + sum(-(-count // BYTES_A_GET) for count in column_bytes)


def partitions_left(
    values: Mapping[str, Sequence[str]], schema: Any, condition: Any, mentioned: Collection[str]
) -> int:
    """Return the number of partitions (combinations of column values) that a filter selects.

    `mentioned` are the columns that the filter names.
    """
    count = 1
    kept: list[Any] = [pc.scalar(True)]
    for name, of_column in values.items():
        if condition is None or name not in mentioned:
            count *= len(of_column)
            continue
        column = pa.array(of_column).cast(schema.field(name).type)
        spans = [column[at : at + SPAN] for at in range(0, len(column), SPAN)]
        near = [(one, span) for one in kept for span in spans]
        if len(spans) > 1:
            terms = [one & _within(name, span) for one, span in near]
            near = [near[at] for at in consistent(terms, schema, condition)]
        found = [one & (pc.field(name) == value) for one, span in near for value in span]
        kept = [found[at] for at in consistent(found, schema, condition)]
    return count * len(kept)


def _within(name: str, values: Any) -> Any:
    """Return the condition that a column lies between the least and the greatest of these values.

    A filter that contradicts this condition contradicts every single value, too.
    """
    ends = pc.min_max(values)
    return (pc.field(name) >= ends["min"]) & (pc.field(name) <= ends["max"])


def consistent(found: Sequence[Any], schema: Any, condition: Any) -> list[int]:
    """Return the positions of the Arrow expressions that the filter `condition` may select."""
    fragments = [
        FORMAT.make_fragment(str(at), FILES, partition_expression=one)
        for at, one in enumerate(found)
    ]
    dataset = ds.FileSystemDataset(fragments, schema, FORMAT, FILES)
    return [int(one.path) for one in dataset.get_fragments(filter=condition)]
