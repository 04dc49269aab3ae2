"""Reads delimited text files: CSV, TSV or semicolons, also as .gz, in UTF-8, UTF-16 or Windows
encoding."""

from __future__ import annotations

import codecs
import csv
import re
import zlib
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from producer.errors import UsageError
from producer.files.bounded import RowLines, lines
from producer.sources.recording import open_bytes, open_text

_UNREADABLE = (UnicodeError, csv.Error, OSError, EOFError, zlib.error)
_DELIMITERS = ",;\t|"
_PIECE = 1 << 20
_QUOTED = re.compile(r'"[^"]*"')


class CsvFile:
    """A delimited text file. A line `sep=;`, as Excel writes before the header, states the
    delimiter. Without that line it is detected from the first line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._encoding = self._encoding_of()
        first = self._first_line()
        self._skips = first.lower().startswith("sep=")
        self._delimiter = first[4:5] if self._skips else delimiter_of(first)

    @property
    def decimal_comma(self) -> bool:
        """Return whether the delimiter is a semicolon. That suggests a decimal comma."""
        return self._delimiter == ";"

    def rows(self) -> Iterator[tuple[int, Sequence[str]]]:
        """See Grid.rows."""
        with open_text(self.path, self._encoding) as file:
            text = RowLines(file, self.path)
            reader = csv.reader(text, delimiter=self._delimiter or ",", skipinitialspace=True)
            try:
                for row in reader:
                    text.row_ends()
                    if any(row) and not (self._skips and reader.line_num == 1):
                        yield reader.line_num, row
            except _UNREADABLE as error:
                raise UsageError(f"{self.path}: cannot be read as CSV: {error}") from error

    def _first_line(self) -> str:
        with open_text(self.path, self._encoding) as file:
            try:
                text = lines(file, self.path)
                return next((line for line in text if line.strip()), "").strip("\r\n")
            except _UNREADABLE as error:
                raise UsageError(f"{self.path}: cannot be read as CSV: {error}") from error

    def _encoding_of(self) -> str:
        """Return the file's encoding. Raises UsageError if the file cannot be read. A byte order
        mark shows UTF-16. Other text is UTF-8, or Windows encoding if it is not valid UTF-8."""
        try:
            with open_bytes(self.path) as file:
                start = file.read(_PIECE)
                if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                    return "utf-16"
                decoder = codecs.getincrementaldecoder("utf-8")()
                for piece in chain([start], iter(lambda: file.read(_PIECE), b"")):
                    decoder.decode(piece)
                decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
        except (OSError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or error
            raise UsageError(f"{self.path}: {reason}") from error
        return "utf-8-sig"


def delimiter_of(line: str) -> str:
    """Return the delimiter that a header has most often outside of quotes; by default a comma.
    csv.Sniffer is not used: it would search a header with many quotes for hours."""
    return max(_DELIMITERS, key=_QUOTED.sub("", line).count)
