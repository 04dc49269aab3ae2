"""What producers send: records in streams, and the ticks finally accepted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from chalicelib.adapters import events
from chalicelib.domain.sessions import calendar_for
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import to_text
from chalicelib.services.ingest.plan import Incoming
from tests.factories import START, dated, kinesis_event, redriven, sqs_event
from tests.model import reference
from tests.model.markets import MARKETS, Market, T, beginning, moved, state_of
from tests.model.reference import Row

POISON = (b"{", b'{"symbol": "AAPL"}', b'{"symbol": "B/D", "price": 1}', b"null", b"\xff\x00")
Part = tuple[int, dict[str, Any]]
"""A tick of a record: the number of its sender, and its fields."""

MILLISECOND = timedelta(milliseconds=1)

CLOCK_MILLISECONDS = 9
"""The clock of a stream goes back by less than this between two of its records."""


class Record(NamedTuple):
    """A record of a stream, and its ticks as they go on the wire: whose, and its fields."""

    payload: bytes
    arrival: datetime
    parts: Sequence[Part] = ()


class Stream:
    """Records in order, and up to where they have been delivered: a Kinesis shard, or a group of a
    FIFO queue."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.records: list[Record] = []
        self.checkpoint = 0
        self.delivered = 0
        self.busy = False

    @property
    def waiting(self) -> bool:
        """Return whether unprocessed records remain."""
        return not self.busy and self.checkpoint < len(self.records)

    def back(self) -> int:
        """How many milliseconds the clock has gone back at the next record; a message's sender does
        not follow its clock back. Ticks without a timestamp get the arrival: theirs does not."""
        number = len(self.records)
        return CLOCK_MILLISECONDS - 4 * number % CLOCK_MILLISECONDS if self.kind == "kinesis" else 0

    def count(self, arrival: datetime) -> int:
        """What grows by one from record to record, of the next one: a message's sender tells the
        millisecond and the number (docs/decisions/0227)."""
        number = len(self.records)
        if self.kind == "kinesis":
            return number
        return (1 << 62) + (round(arrival.timestamp() * 1000) << 20) + number

    def batch(self, size: int) -> list[Incoming]:
        """The next records as a handler gets them."""
        first = self.checkpoint
        found: list[Incoming] = []
        for number, record in enumerate(self.records[first : first + size], first):
            arrival = (record.arrival - START).total_seconds()
            if self.kind == "kinesis":
                found += events.from_kinesis(kinesis_event([record.payload], number, arrival))
            else:
                event = dated(sqs_event([record.payload], number, arrival))
                if number < self.delivered:  # it may have been in the dead-letter queue meanwhile
                    event = redriven(event, arrival + 2_000)
                found += events.from_sqs(event)
        self.delivered = max(self.delivered, first + len(found))
        return found


class Sender:
    """One symbol's producer: its newest tick, what it has sent, and what was out of the ordinary.

    disturbed: ticks were late or corrected, or the source told another phase than the clock.
    """

    def __init__(self, market: Market, day: int, mode: str) -> None:
        self.market = market
        self.mode = mode
        self.newest = beginning(market, day)
        self.sent: list[Tick] = []
        self.history: list[Row] = []
        self.volumes = not market.symbol.endswith("=X")
        self.disturbed = False

    def fields(self, at: datetime | None, spec: T) -> dict[str, Any]:
        """Return a tick as sent on the wire."""
        price = 100 + Decimal(spec.level) * Decimal("0.75")
        given: dict[str, Any] = {"symbol": self.market.symbol, "price": str(price)}
        if at is not None:
            given["timestamp"] = to_text(at)
        state = state_of(self.market, at or self.newest, spec.state)
        given |= {"exchange_timezone": self.market.zone, "market_state": state}
        given |= {"previous_close": "100", "source": "feed", "mode": self.mode}
        if self.volumes and spec.figures < 3:
            given["volume"] = str(len(self.sent) % 7 * 100 + 10 * abs(spec.level))
        if spec.figures in (1, 2):
            given |= {"high": str(max(price, Decimal(104))), "low": str(min(price, Decimal(97)))}
        if spec.figures in (1, 3):
            given["open"] = "99.5"
        return {name: value for name, value in given.items() if value is not None}


def tick_of(fields: dict[str, Any], stamp: datetime | None = None) -> Tick:
    """The tick that the stores are to hold; `stamp` is the time of one without a timestamp."""
    numbers = ("price", "open", "high", "low", "previous_close", "volume")
    exact: dict[str, Any] = {k: Decimal(v) if k in numbers else v for k, v in fields.items()}
    if stamp is not None:
        exact["timestamp"] = to_text(stamp)
    return Tick(**exact)


class Traffic:
    """All streams and senders of a run, and the time up to which prices have come."""

    def __init__(self, markets: Sequence[int], day: int, mode: str, way: str) -> None:
        """`way`: kinesis, sqs, or both, where every second symbol goes the other way."""
        self.streams = [Stream("sqs" if way == "sqs" else "kinesis"), Stream("sqs")]
        self.senders = [Sender(MARKETS[number], day, mode) for number in markets]
        self.arrived = max(sender.newest for sender in self.senders)
        self._ways = 2 if way == "both" else 1

    def stream_of(self, who: int) -> Stream:
        """A symbol's records always go the same way."""
        return self.streams[who % self._ways]

    def send(self, who: int, specs: Sequence[T], *, junk: bool = False) -> None:
        """Send a record of new ticks; `junk` adds an unreadable line."""
        self.put([(who, self._next(who, spec)) for spec in specs], junk=junk)

    def poll(self, spec: T) -> None:
        """One message with a new tick of each symbol that goes the first way; a record a symbol
        where that is a Kinesis stream."""
        mine = [who for who in range(len(self.senders)) if who % self._ways == 0]
        parts = [(who, self._next(who, spec)) for who in mine]
        for record in [parts] if self.streams[0].kind == "sqs" else [[part] for part in parts]:
            self.put(record)

    def _next(self, who: int, spec: T) -> dict[str, Any]:
        sender = self.senders[who]
        if spec.gap == "now":
            return sender.fields(None, spec)
        sender.newest = moved(sender.market, sender.newest, spec.gap)
        return sender.fields(sender.newest, spec)

    def send_before(self, who: int, back: int, spec: T, ahead: float) -> None:
        """Send a tick some seconds before the one that is `back` places from the newest."""
        sender = self.senders[who]
        if sender.sent:
            known = sender.sent[max(-back, -len(sender.sent))]
            at = reference.instant_of(known.timestamp) - timedelta(seconds=ahead)
            self.put([(who, sender.fields(at, spec))])

    def correct(self, who: int, back: int, spec: T, *, packed: bool) -> None:
        """A tick once more with other values, and the one after it as it was, if `packed`."""
        sender = self.senders[who]
        if sender.sent:
            place = max(-back, -len(sender.sent))
            at = reference.instant_of(sender.sent[place].timestamp)
            again = [(who, sender.fields(at, spec))]
            if packed and place < -1:
                again.append((who, _fields_of(sender.sent[place + 1])))
            self.put(again)

    def repeat(self, stream: int, back: int) -> None:
        """A record of a stream once more: its ticks may have been corrected in between."""
        one = self.streams[stream]
        if back <= len(one.records):
            record = one.records[-back]
            if record.parts:
                self.put(record.parts)

    def put(self, parts: Sequence[Part], *, junk: bool = False) -> None:
        """Append a record of these ticks to the stream of the first one's symbol."""
        stream = self.stream_of(parts[0][0])
        newest = max(self.senders[who].newest for who, _ in parts)
        self.arrived = max(self.arrived, whole_millisecond(newest))
        place = 0
        for who, given in parts:
            stamp = None
            if "timestamp" not in given:
                stamp = stamp_of(self.arrived, stream.count(self.arrived), place)
                place += 1
            self._take(self.senders[who], given, stamp)
        lines = [json.dumps(given).encode() for _, given in parts]
        payload = b"\n".join([*lines, b"}"] if junk else lines)
        back = 0 if place else stream.back()
        stream.records.append(Record(payload, self.arrived - back * MILLISECOND, parts))

    def _take(self, sender: Sender, given: dict[str, Any], stamp: datetime | None) -> None:
        tick = tick_of(given, stamp)
        sender.newest = max(sender.newest, reference.instant_of(tick.timestamp))
        self._note(sender, tick)

    def _note(self, sender: Sender, tick: Tick) -> None:
        known = {sent.timestamp: sent for sent in sender.sent}
        if known.get(tick.timestamp) == tick:
            return
        in_order = tick.timestamp > max(known, default="")
        known[tick.timestamp] = tick
        sender.sent = [known[stamp] for stamp in sorted(known)]
        sender.disturbed |= not in_order or _tells_another_phase(tick)

    def poison(self, who: int, what: int) -> None:
        """A record of which nothing can be read."""
        stream = self.stream_of(who)
        texts = POISON if stream.kind == "kinesis" else POISON[:-1]  # messages are text
        stream.records.append(Record(texts[what % len(texts)], self.arrived))

    def send_history(self, who: int) -> None:
        """Daily bars of the week before a symbol's first day."""
        sender = self.senders[who]
        sender.history = week_before(sender.market, sender.newest)
        lines = [json.dumps(_bar_fields(sender, row)).encode() for row in sender.history]
        self.stream_of(who).records.append(Record(b"\n".join(lines), self.arrived))

    def accepted(self) -> dict[str, list[Tick]]:
        """By symbol, its ticks by time: of two with the same identity the later in the stream."""
        found = {sender.market.symbol: list(sender.sent) for sender in self.senders}
        return {symbol: ticks for symbol, ticks in found.items() if ticks}


def _is_extended(tick: Tick) -> bool:
    return reference.is_extended(tick, calendar_for(tick.symbol, tick.exchange_timezone))


def _tells_another_phase(tick: Tick) -> bool:
    """Return whether the source's market state differs from the calendar's."""
    silent = msgspec.structs.replace(tick, market_state=None)
    return _is_extended(tick) != _is_extended(silent)


def _fields_of(tick: Tick) -> dict[str, Any]:
    """Return a tick as sent on the wire."""
    given: dict[str, Any] = msgspec.to_builtins(tick)
    return given


def week_before(market: Market, at: datetime) -> list[Row]:
    """Historical days, invented: each begins at 100."""
    calendar = calendar_for(market.symbol, market.zone)
    day = calendar.session_at(at).date - timedelta(days=7)
    found: list[Row] = []
    for number in range(7):
        if (day + timedelta(days=number)).weekday() < 5:
            low, high, close = (100 + Decimal(level) for level in (-3, 3, number - 3))
            date = day + timedelta(days=number)
            start = datetime(date.year, date.month, date.day, tzinfo=UTC)
            volume = Decimal(1000)
            found.append(Row(start, False, Decimal(100), high, low, close, volume, 0, date))
    return found


def _bar_fields(sender: Sender, row: Row) -> dict[str, Any]:
    figures = {"open": row.open, "high": row.high, "low": row.low, "price": row.close}
    given = {name: str(value) for name, value in figures.items()}
    symbol, zone = sender.market.symbol, sender.market.zone
    more = {"symbol": symbol, "bar": "1d", "timestamp": to_text(row.start), "volume": "1000"}
    return {**given, **more, "mode": "backfill", "source": "feed", "exchange_timezone": zone}


def stamp_of(arrival: datetime, number: int, place: int) -> datetime:
    """The time of a record's tick at `place` among those without a timestamp, by the record's
    count (docs/decisions/0163)."""
    milliseconds, microseconds = divmod(place, 7)
    first = arrival + timedelta(microseconds=7 * number % 1000)
    return first + milliseconds * MILLISECOND + timedelta(microseconds=microseconds)


def whole_millisecond(at: datetime) -> datetime:
    """The next whole millisecond: streams tell no finer time."""
    start = datetime.min.replace(tzinfo=UTC)
    floored = reference.floor(at, MILLISECOND, start)
    return floored if floored == at else floored + MILLISECOND
