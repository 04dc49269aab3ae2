"""Reads the pickles of older data folders as plain data, without looking up or calling anything.

`pickletools` only splits a pickle into instructions. Instructions that build values are interpreted
here. Where Python would make an object or call a function, the result is a Named instead.

A pickle can refer to a value many times, even recursively, so that a kilobyte may expand to any
size. So the expanded size of each value is bounded.
"""

from __future__ import annotations

import pickletools  # nosec B403 - splits instructions and builds nothing
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import msgspec


class PickleError(Exception):
    """The bytes are not a pickle, or contain an instruction that older versions never wrote."""


class Named(msgspec.Struct, eq=False):
    """Stands for an object: the name of its class, its arguments, attributes and dict entries."""

    name: str
    arguments: tuple[Any, ...] = ()
    state: dict[str, Any] = {}
    entries: dict[Any, Any] = {}


_PUSHED = frozenset(
    """BINUNICODE BINUNICODE8 SHORT_BINUNICODE BINBYTES BINBYTES8 SHORT_BINBYTES BININT BININT1
    BININT2 LONG1 BINFLOAT""".split()  # noqa: SIM905  # as one reads them
)
_MADE: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_SET": set,
}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_PASSED_OVER = ("PROTO", "FRAME", "STOP")

_SMALL_BYTES = 64 * 1024
_TIMES_AS_LARGE = 20
"""The most that a value may take beyond _SMALL_BYTES, as a multiple of the pickle's size. A pickle
holds a repeated text only once."""

_MOST_LEVELS = 64
"""The deepest nesting of lists, dicts and attributes."""


def read(raw: bytes) -> Any:
    """Return a pickle's value, with a Named for each object. Raises PickleError."""
    reader = _Reader()
    try:
        for operation, argument, _ in pickletools.genops(raw):
            reader.follow(operation.name, argument)
        value = reader.stack.pop()
        _Weights(_SMALL_BYTES + _TIMES_AS_LARGE * len(raw)).of(value, 0)
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        raise PickleError(str(error)) from error
    return value


class _Weights:
    """Computes the approximate expanded sizes of values, and how deeply they are nested."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[int, tuple[int, int] | None] = {}

    def of(self, value: Any, level: int) -> tuple[int, int]:
        """Return the size and nesting of a value. Raises PickleError if either exceeds its bound,
        or if the value contains itself."""
        if isinstance(value, (str, bytes)):
            return len(value) + 5, 0
        if not isinstance(value, (list, tuple, set, dict, Named)):
            return 9, 0
        if id(value) not in self._known:
            self._known[id(value)] = None
            self._known[id(value)] = self._sum(value, level)
        found = self._known[id(value)]
        if found is None or level + found[1] > _MOST_LEVELS:
            raise PickleError(f"more than {_MOST_LEVELS} levels")
        return found

    def _sum(self, value: Any, level: int) -> tuple[int, int]:
        if level > _MOST_LEVELS:
            raise PickleError(f"more than {_MOST_LEVELS} levels")
        bytes_, levels = 5, 0
        for part in _parts(value):
            more, below = self.of(part, level + 1)
            bytes_, levels = bytes_ + more, max(levels, below)
            if bytes_ > self._most:
                raise PickleError(f"it would be more than {self._most:,} bytes when written out")
        return bytes_, levels + 1


def _parts(value: Any) -> Iterator[Any]:
    if isinstance(value, Named):
        yield from (value.name, value.arguments, value.state, value.entries)
    elif isinstance(value, dict):
        yield from value.keys()
        yield from value.values()
    else:
        yield from value


class _Reader:
    def __init__(self) -> None:
        self.stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: list[Any] = []

    def follow(self, name: str, argument: Any) -> None:
        if name in _PUSHED:
            self.stack.append(argument)
        elif name in _MADE:
            self.stack.append(_MADE[name]())
        elif name in _TUPLES:
            self.stack.append(tuple(self._last(_TUPLES[name])))
        elif name not in _PASSED_OVER:
            step = getattr(self, f"_{name.lower()}", None)
            if step is None:
                raise PickleError(f"the instruction {name}")
            step(argument)

    def _last(self, count: int) -> list[Any]:
        taken = self.stack[-count:]
        del self.stack[-count:]
        return taken

    def _marked(self) -> list[Any]:
        start = self._marks.pop()
        taken = self.stack[start:]
        del self.stack[start:]
        return taken

    def _mark(self, _: Any) -> None:
        self._marks.append(len(self.stack))

    def _memoize(self, _: Any) -> None:
        self._memo.append(self.stack[-1])

    def _binget(self, place: int) -> None:
        self.stack.append(self._memo[place])

    _long_binget = _binget

    def _tuple(self, _: Any) -> None:
        self.stack.append(tuple(self._marked()))

    def _append(self, _: Any) -> None:
        (entry,) = self._last(1)
        self.stack[-1].append(entry)

    def _appends(self, _: Any) -> None:
        entries = self._marked()
        self.stack[-1].extend(entries)

    def _additems(self, _: Any) -> None:
        entries = self._marked()
        self.stack[-1].update(map(_hashed, entries))

    def _setitem(self, _: Any) -> None:
        self._put(self._last(2))

    def _setitems(self, _: Any) -> None:
        self._put(self._marked())

    def _put(self, flat: list[Any]) -> None:
        target = self.stack[-1]
        entries = target.entries if isinstance(target, Named) else target
        entries.update(zip(map(_hashed, flat[::2]), flat[1::2], strict=True))

    def _stack_global(self, _: Any) -> None:
        self.stack.append(Named(".".join(self._last(2))))

    def _newobj(self, _: Any) -> None:
        kind, arguments = self._last(2)
        self.stack.append(Named(kind.name, arguments))

    def _reduce(self, _: Any) -> None:
        kind, arguments = self._last(2)
        is_time = kind.name == "datetime.datetime" and len(arguments) == 1
        self.stack.append(_time(arguments[0]) if is_time else Named(kind.name, arguments))

    def _build(self, _: Any) -> None:
        (state,) = self._last(1)
        self.stack[-1].state.update(state)


def _hashed(key: Any) -> Any:
    """Return the key of a dict or the entry of a set unchanged.

    Raises PickleError for a tuple: hashing nested tuples takes as long as expanding them.
    """
    if isinstance(key, tuple):
        raise PickleError("a tuple as a key")
    return key


def _time(raw: bytes) -> datetime:
    """Decode a time without a zone from the ten bytes that the standard library writes."""
    year, month, day, hour, minute, second = raw[0] * 256 + raw[1], *raw[2:7]
    return datetime(year, month, day, hour, minute, second, int.from_bytes(raw[7:10], "big"))  # noqa: DTZ001
