"""Alpaca's splits and dividends: https://docs.alpaca.markets/reference/corporateactions-1

An answer has a list for each kind of action. Rates are per share at the ex-date. They are not
adjusted for later splits, and neither are our prices of Alpaca.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import partial
from zoneinfo import ZoneInfo

import msgspec

from chalicelib.domain.actions import Action
from chalicelib.domain.payloads import UNREADABLE
from chalicelib.domain.ticks import number
from chalicelib.domain.times import to_text
from producer.sources.pushed.http import Http, Unusable
from producer.wire import WireTick, decimal_of, tick_of_action

PATH = "/v1/corporate-actions"
KINDS = "forward_split,reverse_split,cash_dividend"
MOST = 1000
"""The most actions of an answer."""

MOST_PAGES = 5
DAYS = timedelta(days=730)
_FINEST = 10_000
"""The highest number of shares in a ratio that is written in whole shares."""


class _Split(msgspec.Struct, frozen=True):
    ex_date: str
    new_rate: Decimal
    old_rate: Decimal


class _Dividend(msgspec.Struct, frozen=True):
    ex_date: str
    rate: Decimal


class _Actions(msgspec.Struct, frozen=True):
    forward_splits: list[_Split] = []
    reverse_splits: list[_Split] = []
    cash_dividends: list[_Dividend] = []


class _Page(msgspec.Struct, frozen=True):
    corporate_actions: _Actions = _Actions()
    next_page_token: str | None = None


_decode = msgspec.json.Decoder(_Page, strict=False).decode


def asked(
    http: Http, native: str, symbol: str, closes: Mapping[str, Decimal], now: datetime, source: str
) -> list[WireTick]:
    """Return the actions of the last two years, up to today in New York, by ex-date.

    `native` is Alpaca's name of the symbol; `closes` has the symbol's closes by date. A dividend
    before the first close is left out. Raises the errors of `producer.sources.pushed.http`.
    """
    made = partial(Action, symbol=symbol, known_at=to_text(now), source=source)
    today = now.astimezone(ZoneInfo("America/New_York")).date().isoformat()
    found: dict[str, Action] = {}
    for page in _pages(http, native, now):
        actions = page.corporate_actions
        for split in (*actions.forward_splits, *actions.reverse_splits):
            ratio = _ratio(split)
            if ratio is not None:
                action = made(kind="split", ex_date=split.ex_date, ratio=ratio)
                found[action.place] = action
        for day, amount in _summed(actions.cash_dividends).items():
            before = _close_before(closes, day)
            if before is not None:
                action = made(kind="dividend", ex_date=day, amount=amount, previous_close=before)
                found[action.place] = action
    known = (found[place] for place in sorted(found) if found[place].ex_date <= today)
    return [tick_of_action(action) for action in known]


def _pages(http: Http, native: str, now: datetime) -> Iterator[_Page]:
    parameters = {
        "symbols": native,
        "types": KINDS,
        "start": (now - DAYS).date().isoformat(),
        "end": now.date().isoformat(),
        "limit": str(MOST),
    }
    for _ in range(MOST_PAGES):
        try:
            page = _decode(http.get(PATH, parameters))
        except UNREADABLE as error:
            raise Unusable("Alpaca gives something other than corporate actions") from error
        yield page
        if not page.next_page_token:
            return
        parameters["page_token"] = page.next_page_token
    raise Unusable(f"Alpaca gives more than {MOST_PAGES} pages of corporate actions")


def _ratio(split: _Split) -> str | None:
    """Return a split's ratio in whole shares, such as "5:1"; None if it is invalid or changes
    nothing."""
    new, old = _rate(split.new_rate), _rate(split.old_rate)
    if not (new and old):
        return None
    exact = (Fraction(new) / Fraction(old)).limit_denominator(_FINEST)
    return None if exact in (0, 1) else f"{exact.numerator}:{exact.denominator}"


def _rate(rate: Decimal) -> Decimal | None:
    """Return a rate with at most eight decimals; None if it is not positive or too high. It is
    bounded since a Fraction of a huge exponent would have as many digits."""
    makes_sense = rate.is_finite() and 0 < rate < _FINEST * _FINEST
    return decimal_of(rate) if makes_sense else None


def _summed(dividends: Sequence[_Dividend]) -> dict[str, Decimal]:
    """Return the sum of the dividends of each date. A special dividend may have the same date as
    the regular one."""
    found: dict[str, Decimal] = {}
    for one in dividends:
        amount = decimal_of(one.rate)
        if amount is not None and amount > 0:
            found[one.ex_date] = number(found.get(one.ex_date, Decimal(0)) + amount)
    return found


def _close_before(closes: Mapping[str, Decimal], day: str) -> Decimal | None:
    before = max((date for date in closes if date < day), default=None)
    return None if before is None else closes[before]
