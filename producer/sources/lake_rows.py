"""Sorts the rows of a compacted day by time: an external merge sort for any number of rows.

Rows are sorted in memory up to MOST_HELD and written to a file (a run) in the caller's folder. The
runs are merged as they are read. A day that fits into memory is sorted without a file.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from chalicelib.domain.ticks import LABELS, NUMBERS
from producer.errors import UsageError
from producer.files.bounded_parquet import batches, is_text, open_file, told
from producer.sources.sorting import no_room

if TYPE_CHECKING:
    import pyarrow

MOST_HELD = 1 << 27
"""The most bytes of rows in memory: about half a million rows. Sorting takes as much again."""

LONGEST_TEXT = 200
"""The most bytes of a symbol, timestamp or label; ingest accepts no longer ones."""

ROWS_OF_A_RUN = 2_000
"""Rows of each run in memory while several are merged."""

_COLUMNS = ("symbol", "timestamp", *NUMBERS, *LABELS, "split")
_ORDER = [("timestamp", "ascending"), ("symbol", "ascending")]

Row = dict[str, Any]


class Day:
    """The rows of some symbols (all if none are given) in the files of a day."""

    def __init__(self, name: str, symbols: Sequence[str], folder: Path, stop: Event) -> None:
        self._name = name
        self._symbols = list(symbols)
        self._folder = folder
        self._stop = stop

    def rows(self, files: Sequence[Path]) -> Iterator[Row]:
        """Yield all rows by timestamp, then symbol, then position in the files.

        Once `stop` is set, the remaining rows may be omitted. Raises UsageError for files that
        compaction never writes, and if a temporary file cannot be written.
        """
        runs: list[Path] = []
        held: list[pyarrow.RecordBatch] = []
        weight = 0
        for batch in self._batches(files):
            held.append(batch)
            weight += batch.nbytes
            if weight >= MOST_HELD:
                runs.append(self._written(_in_order(held), len(runs)))
                held, weight = [], 0
        last = _rows(_in_order(held).to_batches(ROWS_OF_A_RUN))
        return heapq.merge(*(_rows(_read(run)) for run in runs), last, key=_key)

    def _batches(self, files: Sequence[Path]) -> Iterator[pyarrow.RecordBatch]:
        for path in files:
            file = open_file(path, self._name)
            names = [name for name in _COLUMNS if name in file.schema_arrow.names]
            for batch in batches(file, names, self._name):
                if self._stop.is_set():
                    return
                with told(self._name):
                    arranged = self._arranged(batch)
                yield arranged

    def _arranged(self, batch: pyarrow.RecordBatch) -> pyarrow.RecordBatch:
        import pyarrow
        from pyarrow import compute

        names, rows = batch.schema.names, batch.num_rows
        columns = [
            self._column(field, batch.column(names.index(field.name)))
            if field.name in names
            else pyarrow.nulls(rows, field.type)
            for field in _schema()
        ]
        arranged = pyarrow.RecordBatch.from_arrays(columns, schema=_schema())
        if not self._symbols:
            return arranged
        return arranged.filter(compute.is_in(columns[0], pyarrow.array(self._symbols)))

    def _column(self, field: pyarrow.Field, found: pyarrow.Array) -> pyarrow.Array:
        from pyarrow import binary, types

        if field.name in NUMBERS:
            if not types.is_decimal(found.type):
                raise UsageError(f"{self._name}: {field.name} is {found.type}; allowed: decimal")
            return found.cast(field.type)
        if not is_text(found.type):
            raise UsageError(f"{self._name}: {field.name} is {found.type}; allowed: text")
        if types.is_dictionary(found.type):
            self._check_texts(field.name, found)
            found = found.dictionary_decode()
        return found.cast(binary()).cast(field.type)  # this checks that texts are UTF-8

    def _check_texts(self, column: str, found: pyarrow.DictionaryArray) -> None:
        from pyarrow import compute

        used = found.indices.unique().drop_null()
        longest = compute.max(compute.binary_length(found.dictionary).take(used)).as_py() or 0
        if longest > LONGEST_TEXT:
            raise UsageError(
                f"{self._name}: a cell of {column} has {longest:,} bytes; allowed: up to"
                f" {LONGEST_TEXT}"
            )

    def _written(self, rows: pyarrow.Table, number: int) -> Path:
        from pyarrow import ipc

        path = self._folder / f"run-{number}"
        try:
            with ipc.new_stream(path, rows.schema) as run:
                run.write_table(rows, max_chunksize=ROWS_OF_A_RUN)
        except OSError as error:
            raise no_room(self._name, error) from error
        return path


def _in_order(held: list[pyarrow.RecordBatch]) -> pyarrow.Table:
    import pyarrow

    return pyarrow.Table.from_batches(held, _schema()).sort_by(_ORDER)


def _rows(blocks: Iterable[pyarrow.RecordBatch]) -> Iterator[Row]:
    return (row for block in blocks for row in block.to_pylist())


def _key(row: Row) -> tuple[bool, str, bool, str]:
    """Return a row's sort key. Rows without a timestamp or symbol come last."""
    timestamp, symbol = row["timestamp"], row["symbol"]
    return timestamp is None, timestamp or "", symbol is None, symbol or ""


def _read(path: Path) -> Iterator[pyarrow.RecordBatch]:
    from pyarrow import ipc

    with path.open("rb") as file, ipc.open_stream(file) as run:
        yield from run


def _schema() -> pyarrow.Schema:
    from pyarrow import decimal128, schema, string

    prices = {name: decimal128(38, 8) for name in NUMBERS}
    return schema([(name, prices.get(name, string())) for name in _COLUMNS])
