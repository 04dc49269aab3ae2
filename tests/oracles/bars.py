"""Bars out of ticks by pandas, with sessions from exchange_calendars.

Nothing of the package is used but the ticks' own fields, so what it says is independent. Each
function takes ticks of one symbol in the order of time, `placed` those of several, one after the
other; none with a market state, and either all or none with volumes and session fields. Frames have
one row a bar, in the order of time, with `start` (aware UTC), `open`, `high`, `low`, `close`,
`volume`, `ticks`, `extended`, `session_date`.
"""

from __future__ import annotations

from collections.abc import Sequence

import exchange_calendars as xcals
import pandas as pd

from chalicelib.domain.ticks import Tick

HOUR = pd.Timedelta(hours=1)
ZONES = {"XNYS": "America/New_York", "XLON": "Europe/London", "XHKG": "Asia/Hong_Kong"}
NOMINAL = {"XNYS": ("09:30", "16:00"), "XLON": ("08:00", "16:30"), "XHKG": ("09:30", "16:00")}
AUCTION_MINUTES = {"XNYS": 0, "XLON": 10, "XHKG": 10}

VALUES = {
    "open": ("price", "first"),
    "high": ("price", "max"),
    "low": ("price", "min"),
    "close": ("price", "last"),
    "volume": ("traded", "sum"),
    "ticks": ("price", "size"),
    "session_date": ("session_date", "first"),
}


def minute_bars(ticks: Sequence[Tick], market: str) -> pd.DataFrame:
    """Bars of whole minutes, regular ones and extended ones."""
    frame = placed(ticks, market)
    return (
        frame.groupby(["minute", "extended"]).agg(**VALUES).reset_index(names=["start", "extended"])
    )


def hour_bars(ticks: Sequence[Tick], market: str) -> pd.DataFrame:
    """Bars of hours that count from the session's open; those after the close count from it."""
    frame = placed(ticks, market)
    return (
        frame.groupby(["hour", "extended"]).agg(**VALUES).reset_index(names=["start", "extended"])
    )


def day_bars(ticks: Sequence[Tick], market: str) -> pd.DataFrame:
    """Bars of regular sessions by date, out of the ticks' own session fields where they have any.

    `start` is the session's date at 00:00 UTC.
    """
    frame = placed(ticks, market)
    sessions = frame[~frame["extended"]].groupby("session_date")
    days = sessions.agg(**{name: VALUES[name] for name in ("open", "high", "low", "close")})
    days["volume"], days["ticks"] = sessions["volume"].last(), sessions["price"].size()
    own = sessions[["session_open", "session_high", "session_low", "price"]].last()
    if own["session_open"].notna().any():
        days["open"] = own["session_open"]
        days["high"] = own[["session_high", "price"]].max(axis=1)
        days["low"] = own[["session_low", "price"]].min(axis=1)
    days = days.reset_index()
    return days.assign(extended=False, start=pd.to_datetime(days["session_date"], utc=True))


def placed(ticks: Sequence[Tick], market: str) -> pd.DataFrame:
    """The ticks with their session, minute, hour, phase, and the volume traded since the last."""
    frame = _frame(ticks)
    frame = frame.join(_sessions(frame["at"], market))
    frame["minute"] = frame["at"].dt.floor("min")
    frame["hour"] = _hours(frame)
    frame["traded"] = _traded(frame)
    return frame


def _frame(ticks: Sequence[Tick]) -> pd.DataFrame:
    rows = [
        (
            tick.symbol,
            tick.timestamp,
            float(tick.price),
            *(
                None if value is None else float(value)
                for value in (tick.volume, tick.open, tick.high, tick.low)
            ),
        )
        for tick in ticks
    ]
    columns = ["symbol", "at", "price", "volume", "session_open", "session_high", "session_low"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(at=pd.to_datetime(frame["at"], utc=True, format="ISO8601"))


def _sessions(at: pd.Series, market: str) -> pd.DataFrame:
    """Each instant's session date, session open and close, and whether it lies outside."""
    if market == "24/7":
        opens = at.dt.floor("D")
        return _session_columns(opens.dt.date, opens, opens + pd.Timedelta(days=1), False)
    if market == "24/5":
        return _overnight_sessions(at, opens=17)
    if market == "CME":
        return _overnight_sessions(at, opens=18)
    schedule = _schedule(at, market)
    dates = at.dt.tz_convert(ZONES[market]).dt.date
    opens, closes = dates.map(schedule["open"]), dates.map(schedule["close"])
    until = closes + pd.Timedelta(minutes=AUCTION_MINUTES[market])
    outside = dates.map(schedule["trading"]) & ((at < opens) | (at > until))
    return _session_columns(dates, opens, closes, outside)


def _session_columns(
    dates: pd.Series, opens: pd.Series, closes: pd.Series, outside: pd.Series | bool
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "session_date": dates.astype(str),
            "opens": opens,
            "closes": closes,
            "extended": outside,
        }
    )


def _overnight_sessions(at: pd.Series, opens: int) -> pd.DataFrame:
    """From Sunday to Friday, from an hour in the evening to 17:00 New York; instants of the weekend
    are not expected."""
    walls = at.dt.tz_convert("America/New_York").dt.tz_localize(None)
    days = (walls + pd.Timedelta(hours=24 - opens)).dt.floor("D")
    begins = days - pd.Timedelta(hours=24 - opens)
    opened, closes = (
        times.dt.tz_localize("America/New_York").dt.tz_convert("UTC")
        for times in (begins, days + pd.Timedelta(hours=17))
    )
    return _session_columns(days.dt.date, opened, closes, at > closes)


def _schedule(at: pd.Series, market: str) -> pd.DataFrame:
    """Open and close of every day of the span, nominal hours where there is no session."""
    one = pd.Timedelta(days=1)  # local dates may be the day before or after
    days = pd.date_range(at.min().floor("D") - one, at.max().floor("D") + one).tz_localize(None)
    nominal = {
        name: (days + pd.Timedelta(f"{hours}:00")).tz_localize(ZONES[market]).tz_convert("UTC")
        for name, hours in zip(("open", "close"), NOMINAL[market], strict=True)
    }
    schedule = pd.DataFrame(nominal, index=days).assign(trading=False)
    start, end = days[0] - pd.Timedelta(days=7), days[-1] + pd.Timedelta(days=7)
    real = xcals.get_calendar(market, start=start, end=end).schedule
    real = real[real.index.isin(days)]
    schedule.loc[real.index, "open"] = real["open"]
    schedule.loc[real.index, "close"] = real["close"]
    schedule.loc[real.index, "trading"] = True
    return schedule.set_axis(schedule.index.date)


def _hours(frame: pd.DataFrame) -> pd.Series:
    after = frame["extended"] & (frame["at"] >= frame["closes"])
    anchor = frame["opens"].mask(after, frame["closes"])
    return anchor + (frame["at"] - anchor) // HOUR * HOUR


def _traded(frame: pd.DataFrame) -> pd.Series:
    """Differences of the cumulative volume, never below 0, within one session: of regular ticks
    against the regular tick before that told one, of extended ticks against the tick before.

    The first tick of the regular phase counts wholly in the session's first minute; any other
    first tick only sets the baseline.
    """
    phase = frame[["symbol", "session_date", "extended"]]
    keys = [frame[name] for name in phase]
    told = frame["volume"].groupby(keys).ffill()
    before = told.groupby(keys).shift()
    follows = (phase == phase.shift()).all(axis=1)
    before = before.where(~frame["extended"], frame["volume"].shift().where(follows))
    at_open = ~frame["extended"] & (frame["minute"] == frame["opens"].dt.floor("min"))
    first = frame["volume"].where(at_open | frame["volume"].isna(), 0)
    return (frame["volume"] - before).clip(lower=0).where(before.notna(), first)
