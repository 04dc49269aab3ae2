"""The archive's layout: the names of the objects that ingest and merging write.

    raw/date=2026-11-20/hour=15/<origin>-<first>.<digest>-<last>.json.gz
    readings/                   the same names
    quarantine/date=2026-11-20/<origin>-<first>.<digest>-<last>.json
    raw/sources/AAPL-<number of switches>.json.gz
    raw/sources/AAPL-<number of switches>-<since>.json.gz   of a series that began again
    raw/sources/many-<digest>.json.gz                       lists of many series

`<first>` and `<last>` are sequence numbers. SQL reads `<last>` from the end of the name
(`services/lake/columns.py`); other readers parse names with `parsed`.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from urllib.parse import quote

import msgspec

from chalicelib.domain.payloads import UNREADABLE
from chalicelib.domain.raw_lines import each_line
from chalicelib.domain.sources import parse_sources

RAW, READINGS, QUARANTINE = "raw/", "readings/", "quarantine/"
SOURCES = "sources/"
DATE = "date="
ENDING = ".json.gz"

MERGED = "merged"
"""Takes the place of the shard in the names of merged objects."""

_DIGEST = r"(?:\.(?:[0-9a-f]{8}|[0-9a-f]{16}))?"
"""The digest in a name. Names from earlier versions have a shorter digest or none."""

_NAME = re.compile(
    rf"(?P<folder>.*/)?(?P<origin>[^/]+)-(?P<first>[0-9]+){_DIGEST}-(?P<last>[0-9]+)"
    + re.escape(ENDING),
    re.DOTALL,
)
_FOLDER = re.compile(rf"{DATE}([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})/hour=([0-9]{{2}})")
_RAW_KEY = re.compile(rf"{RAW}({_FOLDER.pattern}/.+)")


class BatchName(msgspec.Struct, frozen=True):
    """The parts of a batch's name. `folder` is empty or ends with a slash. `first` and `last` are
    sequence numbers."""

    folder: str
    origin: str
    first: int
    last: int


def batch_name(origin: str, numbers: Sequence[str], contents: Iterable[bytes]) -> str:
    """Return the name of a batch without its folder and ending.

    The name is made from the stream's numbers and the contents, so that a redelivered batch
    overwrites only itself. Senders number a queue's messages, so two batches may have the same
    numbers.
    """
    digest = blake2b(" ".join(numbers).encode(), digest_size=8)
    for content in contents:
        digest.update(b"\n" + content)
    return quote(f"{origin}-{numbers[0]}.{digest.hexdigest()}-{numbers[-1]}", safe="-")


def arrival_name(arrival: str, name: str) -> str:
    """Return the name, below `raw/` and `readings/`, of the batch `name` that arrived at
    `arrival`."""
    return f"{DATE}{arrival[:10]}/hour={arrival[11:13]}/{name}{ENDING}"


def quarantine_key(date: str, name: str) -> str:
    """Return the key of a batch's quarantined parts."""
    return f"{QUARANTINE}{DATE}{date}/{name}.json"


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """The sources of one series, as text: a line of an object below `raw/sources/`. `since` is when
    the symbol's earlier series was forgotten; empty if there was none."""

    symbol: str
    sources: str
    since: str = ""

    @property
    def number(self) -> int:
        """Return the number of switches of the series."""
        return self.sources.count(",")


_told = msgspec.json.Decoder(Told)


def sources_key(told: Sequence[Told]) -> str:
    """Return the key of the object that holds the sources of one or several series.

    The name for one series has its number of switches, since recorded switches never change. The
    name for several series has the digest of the contents.
    """
    return f"{RAW}{SOURCES}{_sources_name(told)}{ENDING}"


def _sources_name(told: Sequence[Told]) -> str:
    if len(told) > 1:
        return f"many-{blake2b(msgspec.json.encode(told), digest_size=8).hexdigest()}"
    (one,) = told
    since = re.sub("[^0-9TZ]", "", one.since)
    return "-".join(filter(None, (quote(one.symbol, safe=""), str(one.number), since)))


def is_sources_key(key: str) -> bool:
    """Return whether a key has the form of `sources_key`, below any root."""
    folder, _, name = key.rpartition("/")
    return f"{folder}/".endswith(SOURCES) and name.endswith(ENDING)


def sources_body(told: Iterable[Told]) -> bytes:
    """Return the contents of the object for these sources: gzipped JSON lines, one per series."""
    lines = b"".join(msgspec.json.encode(one) + b"\n" for one in told)
    return gzip.compress(lines, mtime=0)


def read_sources(body: bytes) -> list[Told]:
    """Return the sources in an object made by `sources_body`. Raises ValueError if the object is
    empty or cannot be read."""
    try:
        told = [_told.decode(line) for line, _ in each_line(body)]
    except (*UNREADABLE, OSError, EOFError, zlib.error) as error:
        raise ValueError(str(error)) from error
    if not told:
        raise ValueError("it has no line")
    for one in told:
        parse_sources(one.sources)
    return told


def merged_name(folder: str, first: int, last: int, members: Iterable[str]) -> str:
    """Return the name of an object that is merged from `members`, with a digest of their names.

    The digest distinguishes objects with the same numbers: senders may number messages alike, and
    two runs may merge an hour at the same time, each with other late arrivals.
    """
    digest = blake2b("\n".join(sorted(members)).encode(), digest_size=8).hexdigest()
    return f"{folder}{MERGED}-{first}.{digest}-{last}{ENDING}"


def is_merged(name: str) -> bool:
    """Return whether a name or key belongs to a merged object."""
    return name.rpartition("/")[2].startswith(MERGED + "-")


def parsed(name: str) -> BatchName | None:
    """Return the parts of a batch's name or key; None if it does not have ingest's form."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    first, last = int(found["first"]), int(found["last"])
    return BatchName(found["folder"] or "", found["origin"], first, last)


def day_prefix(root: str, day: str) -> str:
    """Return the prefix of the keys under `root` that belong to a day of arrival."""
    return f"{root}{DATE}{day}/"


def hour_of(folder: str) -> tuple[str, str] | None:
    """Return the date and hour of arrival in a folder's name; None for any other text."""
    found = _FOLDER.fullmatch(folder)
    return (found[1], found[2]) if found else None


def raw_name(key: str) -> tuple[str, str, str] | None:
    """Return the name under `raw/`, its date and its hour; None for a key that ingest does not
    use."""
    found = _RAW_KEY.fullmatch(key)
    return (found[1], found[2], found[3]) if found else None


def arrival_day(key: str) -> str:
    """Return the date of arrival as written in a key; empty if the key has none."""
    return next((part.removeprefix(DATE) for part in key.split("/") if part.startswith(DATE)), "")
