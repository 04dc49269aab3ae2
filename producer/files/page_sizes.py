"""Adds up the unpacked size of a Parquet column from its pages' headers.

A file's footer declares the size of each column, and pyarrow believes that. But pyarrow unpacks
page by page, by the sizes in the pages' headers, each up to 2 GB. Headers are Thrift structs in the
compact protocol
(https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md). Only their
fields 2 and 3 are read (https://parquet.apache.org/docs/file-format/metadata/).

Readers disagree about malformed headers: a field of an unexpected type, a repeated number or one
with more bits than Thrift allows. No writer produces such headers, so they are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from mmap import mmap
from typing import Any

_STOP, _TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY = range(9)
_STRUCT = 12
_INTEGERS = (_I16, _I32, _I64)
_UNPACKED, _PACKED = 2, 3
_I32_LIMIT = 1 << 31
_DEEPEST = 8
"""The deepest nesting of structs that is read; a page's header has three levels."""


def unpacked_size(file: bytes | mmap, column: Any) -> int:
    """Return the unpacked bytes of a column chunk, added up from its pages' headers. `column` is
    pyarrow's metadata. Raises ValueError for an invalid header."""
    start = column.data_page_offset
    if column.has_dictionary_page and 0 < column.dictionary_page_offset < start:
        start = column.dictionary_page_offset
    place, end, total = start, start + column.total_compressed_size, 0
    if start < 0 or end > len(file):
        raise ValueError("a column lies beyond the end of the file")
    while place < end:
        reader = _Reader(file, place)
        fields = reader.integers()
        unpacked, packed = _size(fields, _UNPACKED), _size(fields, _PACKED)
        total += unpacked
        place = reader.place + packed
    return total


def _size(fields: Mapping[int, tuple[int, int]], number: int) -> int:
    kind, value = fields.get(number, (_STOP, -1))
    if kind != _I32 or not 0 <= value < _I32_LIMIT:
        raise ValueError("a page has no size")
    return value


class _Reader:
    """Reads a Thrift struct at `place` in a file, and moves `place` past the struct. Raises
    ValueError for a malformed struct."""

    def __init__(self, file: bytes | mmap, place: int) -> None:
        self._file = file
        self.place = place

    def integers(self, depth: int = 0) -> Mapping[int, tuple[int, int]]:
        """Return the integer fields of a struct, without those of nested structs. The keys are
        field numbers; the values are a field's type and value."""
        if depth > _DEEPEST:
            raise ValueError("a page's header is nested too deeply")
        found: dict[int, tuple[int, int]] = {}
        field = 0
        while (head := self._byte()) != _STOP:
            delta, kind = head >> 4, head & 15
            if not delta:  # the number is explicit, as for fields far from the last one
                raise ValueError("a page's header has its fields in no order")
            field += delta
            if kind in _INTEGERS:
                found[field] = kind, self._integer()
            elif kind not in (_TRUE, _FALSE):  # a boolean's value is in the field header
                self._pass_over(kind, depth)
        return found

    def _pass_over(self, kind: int, depth: int) -> None:
        if kind == _BYTE:
            self.place += 1
        elif kind == _DOUBLE:
            self.place += 8
        elif kind == _BINARY:
            size = self._varint()
            self.place += size
        elif kind == _STRUCT:
            self.integers(depth + 1)
        else:  # no page header has lists, sets or maps
            raise ValueError("a page's header has a field of another type")

    def _byte(self) -> int:
        if self.place >= len(self._file):
            raise ValueError("a page's header breaks off")
        self.place += 1
        return self._file[self.place - 1]

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise ValueError("a page's header has a number that is too long")

    def _integer(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
