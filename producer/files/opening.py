"""Opens files and folders of files as one recording."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import msgspec

from chalicelib.domain.archive_layout import DATE
from producer.errors import UsageError
from producer.files.asked import Asked
from producer.files.csv_file import CsvFile
from producer.files.folding import with_folded
from producer.files.joining import Readable, in_series, in_time
from producer.files.layout import Grid, layout_of
from producer.files.names import is_named_by_symbol
from producer.files.recording import FileRecording
from producer.sources import ndjson
from producer.sources.recording import Unreadable
from producer.wire import WireTick

_PARQUET = (".parquet", ".pq")
_TEXT = (".csv", ".txt", ".tsv", ".ndjson", ".jsonl")
_ENDINGS = (*_PARQUET, *_TEXT, *(f"{ending}.gz" for ending in _TEXT))
_MOST_NOTES = 5


def is_folder_of_files(path: Path) -> bool:
    """Return whether a folder holds price files, rather than a raw archive or compacted days."""
    if any(path.glob(f"{DATE}*")) or any(path.glob(f"*/{DATE}*")):
        return False
    return next(_files_in(path), None) is not None


def open_files(paths: Sequence[Path], asked: Asked, stop: Event | None = None) -> Readable | Files:
    """Open files and folders of files as one recording. Sorting stops once `stop` is set. Raises
    UsageError if there are no price files."""
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path}: there is no such file")
        if path.is_dir() and not is_folder_of_files(path):
            raise UsageError(f"{path}: no file of prices is in it; allowed: {', '.join(_ENDINGS)}")
    if len(paths) == 1 and not paths[0].is_dir():
        return _open_one(paths[0], asked, stop, alone=True)
    return Files(paths, asked, stop)


def names_no_symbol(path: Path) -> bool:
    """Return whether neither a file's header nor its name tells the symbol of its prices."""
    if not path.is_file() or _is_ndjson(path):
        return False
    return not layout_of(_grid(path)).has_symbols and not is_named_by_symbol(path)


def _open_one(path: Path, asked: Asked, stop: Event | None, *, alone: bool) -> Readable:
    if _is_ndjson(path):
        return ndjson.Recording(path, asked, stop)
    return FileRecording(_grid(path), asked, alone=alone, stop=stop)


def _is_ndjson(path: Path) -> bool:
    return path.suffix.lower() not in _PARQUET and ndjson.is_ndjson(path)


def _grid(path: Path) -> Grid:
    if path.suffix.lower() in _PARQUET:
        from producer.files.parquet_file import ParquetFile

        return ParquetFile(path)
    return CsvFile(path)


def _files_in(folder: Path) -> Iterator[Path]:
    return (
        path
        for path in sorted(folder.rglob("*"))
        if path.name.lower().endswith(_ENDINGS) and not path.name.startswith(".") and path.is_file()
    )


class Files:
    """A recording that consists of several files. Unreadable files of a folder are skipped and
    reported; a file that the user named must be readable."""

    def __init__(self, paths: Sequence[Path], asked: Asked, stop: Event | None = None) -> None:
        self._paths = paths
        self._asked = asked
        self._stop = stop
        self._each = msgspec.structs.replace(asked, symbols=())
        self._recordings: list[Readable] | None = None
        self.notes: list[str] = []
        self.total: int | None = None

    @property
    def unreadable(self) -> Unreadable:
        """Return the rows that the last reading skipped, in all files together."""
        everything = Unreadable()
        for recording in self._recordings or []:
            everything.count += recording.unreadable.count
            everything.repeats += recording.unreadable.repeats
            if recording.unreadable and not everything.first:
                everything.first = f"{recording.name}, {recording.unreadable.first}"
        return everything

    @property
    def found(self) -> Sequence[str]:
        """Return the symbols that were found in all files."""
        return list(dict.fromkeys(symbol for one in self._checked() for symbol in one.found))

    def check(self) -> None:
        """Raise UsageError if nothing can be replayed, or if a requested symbol is in no file."""
        self._checked()

    def ticks(self) -> Iterator[WireTick]:
        """Yield history symbol by symbol, and all other ticks in time order."""
        recordings, now = self._checked(), datetime.now(UTC)
        joined = in_series(recordings) if self._asked.history else [in_time(recordings)]
        ticks = (tick for parts in joined for tick in with_folded(parts, now))
        wanted = frozenset(self._asked.symbols)
        return (tick for tick in ticks if tick.symbol in wanted) if wanted else ticks

    def _checked(self) -> list[Readable]:
        if self._recordings is None:
            passed_over: list[str] = []
            found = [one for path in self._paths for one in self._readable(path, passed_over)]
            self._require(found, passed_over)
            self._recordings = found
            self.total = sum(one.total or 0 for one in found)
            self.notes = [*_noted(found, self.total), *_skipped_note(passed_over)]
        return self._recordings

    def _readable(self, path: Path, passed_over: list[str]) -> Iterator[Readable]:
        if not path.is_dir():
            one = _open_one(path, self._each, self._stop, alone=False)
            one.check()
            yield one
            return
        for file in _files_in(path):
            try:
                one = _open_one(file, self._each, self._stop, alone=False)
                one.check()
            except UsageError as error:
                passed_over.append(str(error))
            else:
                yield one

    def _require(self, recordings: Sequence[Readable], passed_over: Sequence[str]) -> None:
        if not recordings:
            raise UsageError(passed_over[0] if passed_over else "there is no file of prices")
        there = {symbol for one in recordings for symbol in one.found}
        missing = [symbol for symbol in self._asked.symbols if symbol not in there]
        if missing:
            some = ", ".join(sorted(there)[:10])
            raise UsageError(f"--symbols: no file has {', '.join(missing)}; there are: {some}")


def _noted(recordings: Sequence[Readable], total: int) -> list[str]:
    if len(recordings) <= _MOST_NOTES:
        return [note for one in recordings for note in one.notes]
    symbols = {symbol for one in recordings for symbol in one.found}
    first = next((f"; the first is {one.notes[0]}" for one in recordings if one.notes), "")
    return [f"{len(recordings):,} files: {total:,} rows of {len(symbols):,} symbols{first}"]


def _skipped_note(passed_over: Sequence[str]) -> list[str]:
    if not passed_over:
        return []
    return [f"{len(passed_over)} files skipped; {passed_over[0]}"]
