"""Alpaca: trades of US stocks pushed over a WebSocket, and bars over REST. It needs keys.

The feed `iex` is free and has the trades of one exchange; `sip` has those of all exchanges.
Alpaca's symbols have a dot where ours have a dash: BRK.B is BRK-B. Protocol:
https://docs.alpaca.markets/docs/streaming-market-data
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from chalicelib.domain.payloads import UNREADABLE
from chalicelib.domain.sessions import calendar_for
from chalicelib.domain.times import from_text
from producer.addresses import may_carry_keys
from producer.errors import UsageError
from producer.sources import alpaca_actions
from producer.sources.pushed import messages
from producer.sources.pushed.history import LENGTHS, Candle, made, running
from producer.sources.pushed.http import Http, Unusable
from producer.sources.pushed.service import Feed, Service
from producer.sources.pushed.so_far import Listing
from producer.sources.pushed.stamps import stored
from producer.wire import Bar, WireTick, decimal_of
from producer.years import plausible

NAME = "alpaca"
SERVICE = "Alpaca"
URL = "wss://stream.data.alpaca.markets/v2"
HISTORY_URL = "https://data.alpaca.markets"
KEY_NAMES = ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY")
ZONE = "America/New_York"
BARS = 10_000
"""The most bars of an answer."""

MOST_PAGES = 20
"""The most pages that are read of an answer; the first has all bars that are asked at once, unless
Alpaca makes pages shorter."""

_LONGEST_KEY = 100
"""The most characters of the key that distinguishes a symbol's trades; Alpaca's have about 50."""

FREE_SYMBOLS = 30
"""The most symbols that a subscription without cost may follow."""

REQUESTS_PER_SECOND = 2.5
"""A subscription without cost may ask 200 times a minute."""

_TIMEFRAMES: dict[Bar, str] = {"1m": "1Min", "1h": "1Hour", "1d": "1Day"}
_SYMBOL = re.compile(r"[A-Z]{1,6}(?:-[A-Z]{1,2})?")
_NO_PRICE = frozenset("BCGHIMNPQRUVWZ479")
"""Conditions of trades that do not set the last price by the rules of the consolidated tape, such
as odd lots (I), average prices (W) and trades that are reported late (Z). T, a trade outside
regular hours, does here: our bars tell those hours apart."""

_REFUSED_KEYS = (401, 402, 404, 409)
_TOO_MANY_SYMBOLS = 405


class Keys(msgspec.Struct, frozen=True):
    """The key's id and the secret. No message or log shows the secret."""

    key: str
    secret: str

    def __repr__(self) -> str:
        return "Keys(...)"


class _Message(msgspec.Struct, frozen=True):
    """A message of the stream. It has the fields that we read of all kinds of messages."""

    T: str
    S: str = ""
    p: Decimal | None = None
    s: Decimal | None = None
    t: str = ""
    c: list[str] | float = []  # bars have their close here
    msg: str = ""
    code: int = 0
    trades: list[str] = []
    i: int | str = 0
    x: str = ""
    v: Decimal | None = None


class _Row(msgspec.Struct, frozen=True):
    t: str
    o: Decimal
    h: Decimal
    l: Decimal  # noqa: E741 - Alpaca's name
    c: Decimal
    v: Decimal


class _Page(msgspec.Struct, frozen=True):
    bars: list[_Row] | None = None
    next_page_token: str | None = None


_decode_frame = msgspec.json.Decoder(list[_Message]).decode
_decode_page = msgspec.json.Decoder(_Page).decode


class AlpacaFeed(Feed):
    """The frames of Alpaca's stream of trades."""

    service = SERVICE
    greets = True
    is_silence_doubtful = True

    def __init__(self, keys: Keys, url: str) -> None:
        super().__init__(url)
        self._keys = keys

    def opening(self) -> Sequence[str]:
        """See Feed.opening."""
        keys = self._keys
        return (json.dumps({"action": "auth", "key": keys.key, "secret": keys.secret}),)

    def subscribe(self, symbols: Sequence[str]) -> Sequence[str]:
        """See Feed.subscribe."""
        return _request("subscribe", symbols)

    def unsubscribe(self, symbols: Sequence[str]) -> Sequence[str]:
        """See Feed.unsubscribe."""
        return _request("unsubscribe", symbols)

    def parsed(self, frame: str | bytes) -> Sequence[messages.Message]:
        """See Feed.parsed."""
        found = map(_read, _decode_frame(frame))
        return [message for message in found if message is not None]


def _request(action: str, symbols: Sequence[str]) -> Sequence[str]:
    if not symbols:
        return ()
    names = [native(name) for name in symbols]
    return (json.dumps({"action": action, "trades": names, "bars": names}),)


def _read(told: _Message) -> messages.Message | None:
    match told.T:
        case "t":
            return _trade(told)
        case "b":
            return messages.MinuteVolume(ours(told.S), stored(told.t), told.v or Decimal(0))
        case "success":
            return messages.Ready() if told.msg == "authenticated" else messages.Alive()
        case "subscription":
            return messages.Accepted(frozenset(map(ours, told.trades)))
        case "error":
            return _refusal(told.code, told.msg[:200])
        case _:
            return None


def _trade(told: _Message) -> messages.Trade:
    price = decimal_of(told.p)
    key = f"{told.x}{told.i} {told.t}"
    if price is None or len(key) > _LONGEST_KEY:
        raise ValueError("a trade without price, or with a long key")
    return messages.Trade(
        symbol=ours(told.S),
        at=stored(told.t),
        price=price,
        size=decimal_of(told.s),
        key=key,
        sets_price=not isinstance(told.c, list) or _NO_PRICE.isdisjoint(told.c),
    )


def _refusal(code: int, why: str) -> messages.Message:
    said = f"{code}: {why}"
    if code == _TOO_MANY_SYMBOLS:
        return messages.TooMany(FREE_SYMBOLS, said)
    if code in _REFUSED_KEYS:
        return messages.Refused(f"{said} (see {' and '.join(KEY_NAMES)})", of_keys=True)
    return messages.Refused(said)


class AlpacaHistory:
    """Asks Alpaca for historical bars. Prices are as they were traded, not adjusted."""

    most_minutes = BARS

    def __init__(self, keys: Keys, feed: str, base: str = HISTORY_URL) -> None:
        headers = {"APCA-API-KEY-ID": keys.key, "APCA-API-SECRET-KEY": keys.secret}
        self._http = Http(SERVICE, base, headers)
        self._feed = feed

    @property
    def served_at(self) -> datetime | None:
        """See History.served_at."""
        return self._http.served_at

    def bars(self, symbol: str, bar: Bar, start: datetime, end: datetime) -> list[WireTick]:
        """See History.bars. All pages of an answer are read; raises Unusable for more than
        MOST_PAGES."""
        found: list[Candle] = []
        token: str | None = None
        over = _over(symbol, bar)
        for _ in range(MOST_PAGES):
            page = self._page(symbol, bar, start, end, token)
            candles = (_candle(row, bar) for row in page.bars or ())
            found += [one for one in candles if start <= one.start < end and over(one.start)]
            token = page.next_page_token
            if not token:
                return made(symbol, bar, LISTING, found, end)
        raise Unusable(f"{SERVICE} gives more than {MOST_PAGES} pages")

    def actions(self, symbol: str, now: datetime) -> list[WireTick]:
        """Return the splits and dividends of the last two years. Raises the errors of `bars`."""
        days = self.bars(symbol, "1d", now - alpaca_actions.DAYS, now)
        closes = {day.timestamp[:10]: day.price for day in days}
        return alpaca_actions.asked(self._http, native(symbol), symbol, closes, now, NAME)

    def _page(
        self, symbol: str, bar: Bar, start: datetime, end: datetime, token: str | None
    ) -> _Page:
        parameters = {
            "timeframe": _TIMEFRAMES[bar],
            "start": start.isoformat(),
            "end": (end - timedelta(seconds=1)).isoformat(),  # Alpaca includes both ends
            "limit": str(BARS),
            "adjustment": "raw",
            "feed": self._feed,
        }
        if token:
            parameters["page_token"] = token
        body = self._http.get(f"/v2/stocks/{native(symbol)}/bars", parameters)
        try:
            return _decode_page(body)
        except UNREADABLE as error:
            raise Unusable(f"{SERVICE} gives something other than a list of bars") from error


def _candle(row: _Row, bar: Bar) -> Candle:
    """Convert a bar of Alpaca. Raises Unusable without a time. Alpaca's day starts at midnight in
    New York; ours starts at midnight UTC of the same date."""
    try:
        start = plausible(from_text(row.t))
    except ValueError as error:
        raise Unusable(f"{SERVICE} gives a bar without a time") from error
    if bar == "1d":
        day = start.astimezone(ZoneInfo(ZONE)).date()
        start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return Candle(start, row.o, row.h, row.l, row.c, row.v)


def _over(symbol: str, bar: Bar) -> Callable[[datetime], bool]:
    """Return a function that tells whether the bar that starts at an instant is over."""
    if bar != "1d":
        before = running(LENGTHS[bar])
        return lambda start: start < before
    calendar, now = calendar_for(symbol, ZONE), datetime.now(UTC)
    return lambda start: calendar.session_on(start.date()).regular_until < now


LISTING = Listing("USD", ZONE, NAME)


def native(symbol: str) -> str:
    """Return Alpaca's name of a symbol: BRK.B for BRK-B."""
    return symbol.replace("-", ".")


def ours(symbol: str) -> str:
    """Return our name of a symbol that Alpaca names: BRK-B for BRK.B."""
    return symbol.replace(".", "-")


def listing_of(symbol: str) -> Listing | None:
    """Return what ticks of a US stock share; None for a symbol that cannot be a US stock."""
    return LISTING if _SYMBOL.fullmatch(symbol) else None


def keys_of(environ: Mapping[str, str]) -> Keys:
    """Return Alpaca's keys from environment variables. Raises UsageError if a key is missing."""
    found = [environ.get(name, "").strip() for name in KEY_NAMES]
    missing = [name for name, value in zip(KEY_NAMES, found, strict=True) if not value]
    if missing:
        raise UsageError(f"--source alpaca: the environment has no {' and no '.join(missing)}")
    return Keys(*found)


def service(
    keys: Keys, feed: str = "iex", url: str | None = None, history_url: str | None = None
) -> Service:
    """Return Alpaca's service. `url` and `history_url` replace its addresses. Raises UsageError for
    an address that would send the keys unencrypted to another machine."""
    for flag, given in (("--live-url", url), ("--history-url", history_url)):
        _check_encrypted(flag, given)
    history = AlpacaHistory(keys, feed, history_url or HISTORY_URL)
    return Service(
        NAME,
        AlpacaFeed(keys, url or f"{URL}/{feed}"),
        history,
        listing_of,
        REQUESTS_PER_SECOND,
        actions=history.actions,
    )


def _check_encrypted(flag: str, url: str | None) -> None:
    if url is not None and not may_carry_keys(url):
        raise UsageError(f"{flag} {url!r}: keys are sent over wss and https only")
