"""Each report, through the HTTP routes and the stand-in for Athena, equals pandas on the ticks.

AAPL's recorded days, a simulated week of 25 symbols in which batches come again, whole and in part,
among lines that are no ticks, and daily history: of AAPL before, among and after its ticks, and of
a symbol that has nothing else. Once on raw objects, in the long run again on Parquet.
"""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest

from chalicelib.adapters.archive import S3Archive
from chalicelib.bootstrap import Services, aws_lake
from chalicelib.domain.raw_lines import ArchivedLine
from chalicelib.domain.readings import Reading
from chalicelib.domain.times import from_text, to_text
from chalicelib.services.access import key_ring
from chalicelib.services.lake.compact import Compact
from chalicelib.services.reports.files import all_reports
from chalicelib.services.stores import QuarantinedPart
from producer.sources.simulator import Simulator
from producer.wire import encode
from rigs.emulated import Emulated
from tests.api_support import TOKEN, Client
from tests.oracles.crosses import crosses

pytestmark = pytest.mark.heavy

CSV = Path(__file__).parents[1] / "data" / "aapl-daily-2015-2017.csv"
WEEK = datetime(2026, 11, 9, tzinfo=UTC)
DAYS = 7
STEP = timedelta(hours=4)
NOW = WEEK + timedelta(days=DAYS + 2)
HEADERS = {"content-type": "application/json", "authorization": f"Bearer {TOKEN}"}
NUMBERS = ("price", "open", "high", "low", "previous_close", "volume")
BAD = "2026-13-45T25:61:61.000000Z"
POISON = (
    f'{{"symbol": "LOST", "timestamp": "{BAD}", "price": 1}}'.encode(),
    b"no JSON at all",
    b'{"symbol": "b\\u00e4d", "price": 1}',
    b'{"symbol": "LOST"}',
    b'{"symbol": "LOST", "timestamp": "2026-11-10T00:00:00.000000Z", "action": "split"}',
    b"[1,",
)

ALL = {"start": "2015-01-01", "end": "2026-12-01"}
AAPL = {**ALL, "symbol": "AAPL"}
ASKED: dict[str, dict[str, Any]] = {
    "latest_records": {**ALL, "limit": 40},
    "top_movers": {**ALL, "direction": "both", "limit": 20},
    "average_volume": ALL,
    "anomalies": {**ALL, "percent": 2.5, "limit": 1000},
    "price_by_symbol": ALL,
    "volume_above": {**ALL, "volume": 60_000_000, "limit": 1000},
    "historical_prices": AAPL,
    "volume_trend": AAPL,
    "volatility": AAPL,
    "moving_averages": AAPL,
    "crosses": AAPL,
    "gaps": {"start": "2026-11-09", "end": "2026-11-16", "symbol": "", "minutes": 300},
    "quarantined": ALL,
    "quality": ALL,
    "sources_compared": ALL,
}


class Lines(S3Archive):
    """An archive that remembers the lines of its raw objects, with their dates of arrival."""

    def __init__(self, client: Any, bucket: str) -> None:
        super().__init__(client, bucket)
        self.objects: dict[tuple[str, ...], list[tuple[str, bytes]]] = {}

    def put_raw(
        self, arrival: str, origin: str, numbers: Sequence[str], lines: Sequence[ArchivedLine]
    ) -> None:
        """See Archive."""
        rows = [(arrival[:10], line.line) for line in lines]
        self.objects[arrival, origin, *numbers] = rows
        super().put_raw(arrival, origin, numbers, lines)


class Lake:
    """The archive, the app over it, and the same ticks as a table."""

    def __init__(self, emulated: Emulated) -> None:
        made = emulated.provisioned()
        settings = msgspec.structs.replace(made, write_token_sha256=key_ring.fingerprint(TOKEN))
        self.services = Services(settings, lambda: NOW, emulated.clients)
        self.client = Client(self.services)  # type: ignore[arg-type]
        self.stores = aws_lake(settings, emulated.clients)
        archive = Lines(emulated.clients.s3, settings.archive_bucket)
        self.objects = archive.objects
        days = _recorded()
        lines = [json.dumps(day).replace('"#', "").replace('#"', "").encode() for day in days]
        arrival = to_text(NOW - timedelta(days=1))
        history = [ArchivedLine(line, from_text(arrival)) for line in lines]
        archive.put_raw(arrival, "shardId-9", ("1000", "2000"), history)
        ticks = [{**day, **{n: day[n].strip("#") for n in NUMBERS if n in day}} for day in days]
        self.ticks = _table([*ticks, *_week(archive)])
        self.prices = _with_history(self.ticks, _history(archive))
        self.gappy = str(self.ticks[self.ticks.source == "simulator"].symbol.min())

    def run(self, names: list[str]) -> dict[str, list[dict[str, Any]]]:
        """Start all reports, then wait for each and read all its pages."""
        ids = {}
        for name in names:
            given = {**ASKED[name]}
            if "symbol" in given:
                given["symbol"] = given["symbol"] or self.gappy
            body = {"parameters": given, "max_age_minutes": 0}
            answer = self.client.send("POST", f"/reports/{name}", body, HEADERS)
            assert answer.status == 202, answer.body
            ids[name] = answer.json["run_id"]
        return {name: self._rows(run_id) for name, run_id in ids.items()}

    def _rows(self, run_id: str) -> list[dict[str, Any]]:
        path, found, token = f"/reports/runs/{run_id}?limit=300", [], ""
        while True:
            run = self.client.get(path + token).json
            if run["state"] in ("queued", "running"):
                time.sleep(0.1)
                continue
            assert run["state"] == "succeeded", run["reason"]
            found += run["rows"]
            if run["next_page_token"] is None:
                return found
            token = f"&page_token={run['next_page_token']}"


def _recorded() -> list[dict[str, str]]:
    """AAPL's days as ticks on the wire; `#` marks numbers."""
    ticks, before = [], None
    for row in csv.DictReader(CSV.read_text().splitlines()):
        tick = {"symbol": "AAPL", "timestamp": f"{row['date']}T21:00:00.000000Z",
                "exchange_timezone": "America/New_York", "source": "replay", "mode": "replay",
                "price": f"#{row['close']}#"}  # fmt: skip
        tick |= {name: f"#{row[name]}#" for name in ("open", "high", "low", "volume")}
        ticks.append(tick if before is None else {**tick, "previous_close": before})
        before = tick["price"]
    return ticks


def _week(archive: S3Archive) -> Iterator[dict[str, Any]]:
    """Archive the week; each third poll comes again, half of each fifth in another batch."""
    simulator, number = Simulator(), 10_000
    for step in range(int(timedelta(days=DAYS) / STEP)):
        if step % 6 == 3:
            continue  # a poll was missed
        instant = WEEK + STEP * step
        lines: list[bytes] = []
        for tick in simulator.poll(instant.timestamp()):
            late = timedelta(seconds=len(lines) * 37 % 23 / 4 + step)
            tick.sent_at = to_text(from_text(tick.timestamp) + late)
            lines.append(encode(tick))
            yield json.loads(lines[-1], parse_float=str, parse_int=str)
        _put_other(archive, instant, number, step, lines[:4])
        lines[3:3] = POISON
        _put(archive, instant, number, lines)
        if step % 3 == 0:
            _put(archive, instant, number, lines)
        if step % 5 == 0:
            _put(archive, instant + timedelta(minutes=1), number + 1, lines[: len(lines) // 2])
        if step % 6 == 0:
            arrival, sent = to_text(instant), str(number)
            told = QuarantinedPart("no JSON", "shardId-0", sent, 0, 0, arrival, "e30=")
            for last in (sent, f"{number + 5}"):  # it came in two batches
                archive.put_quarantine(arrival[:10], "shardId-0", (sent, last), [told])
        number += 10


def _put_other(
    archive: S3Archive, instant: datetime, number: int, step: int, lines: list[bytes]
) -> None:
    """Archive ticks of another source, which its series has not: a second later, each seventh sent
    after the next poll's."""
    ticks = [json.loads(line) for line in lines]
    for place, tick in enumerate(ticks):
        at = from_text(tick["timestamp"]) + timedelta(seconds=1)
        tick["timestamp"] = to_text(at)
        tick["price"] = round(tick["price"] * (1 + (place + step % 5) / 1000), 4)
        tick["sent_at"] = to_text(at + 3 * STEP * (step % 7 == 0)) if place else BAD
        tick["source"] = "other"
    archived = [ArchivedLine(json.dumps(tick).encode(), instant) for tick in ticks]
    numbers = str(number + 7), str(number + 8)
    archive.put_raw(to_text(instant), "shardId-1", numbers, archived)
    refused = [Reading((tick["symbol"], tick["timestamp"]), None) for tick in ticks]
    archive.put_readings(to_text(instant), "shardId-1", numbers, archived, refused)


def _history(archive: S3Archive) -> pd.DataFrame:
    """Archive daily bars, and wrong ones before them that they replace. Returns the bars."""
    days = pd.bdate_range("2014-10-01", "2015-02-27").union(
        pd.bdate_range("2017-12-01", "2018-03-30")
    )
    bars = [_bar("AAPL", day, number) for number, day in enumerate(days)]
    bars += [
        _bar("HIST", day, n) for n, day in enumerate(pd.bdate_range("2025-03-03", periods=401))
    ]
    for number, kept in ((5_000, 0), (6_000, 1)):
        lines = [json.dumps({**bar, "price": bar["price"] if kept else 1}).encode() for bar in bars]
        _put(archive, NOW - timedelta(hours=12), number, lines)
    table = pd.DataFrame(bars).drop(columns=["bar"])
    table["date"] = table.timestamp.str[:10]
    table["timestamp"] = table.date + "T00:00:00.000000Z"
    for name in ("price", "open", "high", "low", "volume"):
        table[name] = table[name].map(lambda value: Decimal(str(value)))
    table["previous_close"] = table.groupby("symbol").price.shift()
    return table


def _bar(symbol: str, day: pd.Timestamp, number: int) -> dict[str, Any]:
    close = 100 + (number * 37 % 23) / 4
    return {"symbol": symbol, "bar": "1d", "timestamp": f"{day:%Y-%m-%d}T00:00:00Z",
            "open": close - 0.5, "high": close + 1.25, "low": close - 1.75, "price": close,
            "volume": 50_000_000 + number * 40_000, "source": "yfinance"}  # fmt: skip


def _with_history(ticks: pd.DataFrame, bars: pd.DataFrame) -> pd.DataFrame:
    """Ticks, and the bars of days on which their symbol has none."""
    known = set(zip(ticks.symbol, ticks.date, strict=True))
    missing = [pair not in known for pair in zip(bars.symbol, bars.date, strict=True)]
    assert 0 < sum(missing) < len(bars)
    united = pd.concat([ticks.assign(ticks=1), bars[missing].assign(ticks=0)])
    united["previous_close"] = united.previous_close.where(united.previous_close.notna(), None)
    return united.sort_values(["timestamp", "symbol"], kind="stable").reset_index(drop=True)


def _put(archive: S3Archive, instant: datetime, number: int, lines: list[bytes]) -> None:
    archived = [ArchivedLine(line, instant) for line in lines]
    archive.put_raw(to_text(instant), "shardId-0", (str(number), str(number + 5)), archived)


def _table(ticks: list[dict[str, Any]]) -> pd.DataFrame:
    """Ticks in order of time, numbers as decimals, `date` the trading day."""
    table = pd.DataFrame(ticks)
    for name in NUMBERS:
        table[name] = table[name].map(lambda text: None if pd.isna(text) else Decimal(text))
    local = [
        pd.Timestamp(instant).tz_convert(zone or "UTC")
        for instant, zone in zip(table.timestamp, table.exchange_timezone.fillna(""), strict=True)
    ]
    table["date"] = [instant.strftime("%Y-%m-%d") for instant in local]
    return table.sort_values(["timestamp", "symbol"], kind="stable").reset_index(drop=True)


@pytest.fixture(scope="module")
def lake() -> Iterator[Lake]:
    with Emulated() as emulated:
        yield Lake(emulated)


def test_every_report_on_raw_objects(lake: Lake) -> None:
    assert _differences(lake, lake.run(list(ASKED))) == []


@pytest.mark.long
def test_every_report_on_parquet(lake: Lake) -> None:
    done = Compact(lake.stores, lambda: NOW)(None, "test", time.monotonic() + 3600)
    assert done.ticks == len(lake.ticks)
    assert _differences(lake, lake.run(list(ASKED))) == []


def _differences(lake: Lake, found: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Describe the differences of the reports' rows from pandas'."""
    differing = []
    for report in all_reports():
        expected = globals()[f"_{report.name}"](lake)
        assert expected, f"{report.name} is asked for what nothing answers"
        rows = found[report.name]
        if len(rows) != len(expected):
            differing.append(f"{report.name}: {len(rows)} rows, {len(expected)} expected")
        differing += [
            f"{report.name}, {column}: {row} and not {wanted}"
            for row, wanted in zip(rows, expected, strict=False)
            for column, value in wanted.items()
            if not _equal(row[column], value)
        ]
    return differing


def _equal(cell: Any, value: Any) -> bool:
    """Return whether a cell of a report equals pandas' value; decimals exactly."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return cell is None
    if isinstance(value, str):
        return bool(cell == value)
    if isinstance(value, Decimal):
        return Decimal(cell) == value
    return bool(float(cell) == pytest.approx(float(value), rel=1e-9, abs=1e-9))


def _records(table: pd.DataFrame, columns: list[str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table[columns].to_dict("records")
    return rows


def _aapl(lake: Lake) -> pd.DataFrame:
    """A row a day: the one tick of the day, or its bar."""
    days = lake.prices[(lake.prices.symbol == "AAPL") & (lake.prices.date >= ALL["start"])]
    return days.reset_index(drop=True)


def _changed(lake: Lake) -> pd.DataFrame:
    known = lake.prices[lake.prices.previous_close.notna()].copy()
    known = known[known.date >= ALL["start"]]
    known["change"] = known.price - known.previous_close
    percent = 100 * known.change.astype(float) / known.previous_close.astype(float)
    known["exact"], known["change_percent"] = percent, percent.round(4)
    return known


def _of_range(lake: Lake) -> pd.DataFrame:
    return lake.prices[lake.prices.date >= ALL["start"]].copy()


def _newest_first(table: pd.DataFrame) -> pd.DataFrame:
    return table.sort_values(["timestamp", "symbol"], ascending=[False, True])


def _latest_records(lake: Lake) -> list[dict[str, Any]]:
    columns = ["symbol", "timestamp", "price", "open", "high", "low", "volume", "source"]
    return _records(_newest_first(lake.ticks).head(40), columns)


def _top_movers(lake: Lake) -> list[dict[str, Any]]:
    newest = _changed(lake).groupby("symbol").tail(1)
    placed = newest[newest.exact != 0].sort_values("exact", key=abs, ascending=False).head(20)
    return _records(placed, ["symbol", "timestamp", "price", "change", "change_percent"])


def _average_volume(lake: Lake) -> list[dict[str, Any]]:
    known = _of_range(lake)
    known = known[known.volume.notna()]
    sessions = known.groupby(["symbol", "date"]).volume.max().astype(float).groupby("symbol")
    made = pd.DataFrame({"sessions": sessions.count(), "average_volume": sessions.mean()})
    return _records(made.reset_index(), ["symbol", "sessions", "average_volume"])


def _anomalies(lake: Lake) -> list[dict[str, Any]]:
    known = _changed(lake)
    beyond = known[known.change.map(abs) * 100 > known.previous_close * Decimal("2.5")]
    columns = ["symbol", "timestamp", "price", "previous_close", "change", "change_percent"]
    return _records(_newest_first(beyond).head(1000), columns)


def _price_by_symbol(lake: Lake) -> list[dict[str, Any]]:
    known = _of_range(lake)
    known["most"] = known.price.where(known.ticks == 1, known.high)
    known["least"] = known.price.where(known.ticks == 1, known.low)
    by = known.groupby("symbol")
    mean = by.price.apply(lambda prices: prices.astype(float).mean())
    made = pd.DataFrame({"ticks": by.ticks.sum(), "average_price": mean})
    made["maximum_price"], made["minimum_price"] = by.most.max(), by.least.min()
    return _records(made.reset_index(), ["symbol", *made.columns])


def _volume_above(lake: Lake) -> list[dict[str, Any]]:
    known = _of_range(lake)
    known = known[known.volume.notna()]
    above = known[known.volume > 60_000_000]
    return _records(_newest_first(above).head(1000), ["symbol", "timestamp", "price", "volume"])


def _historical_prices(lake: Lake) -> list[dict[str, Any]]:
    days = _aapl(lake).rename(columns={"price": "close"})
    return _records(days, ["date", "open", "high", "low", "close", "volume", "ticks"])


def _volume_trend(lake: Lake) -> list[dict[str, Any]]:
    days = _aapl(lake)
    volume = days.volume.astype(float)
    days["average_volume"] = volume.rolling(5).mean()
    days["ratio"] = volume / days.average_volume
    days["change_percent"] = 100 * volume.pct_change()
    return _records(days, ["date", "volume", "average_volume", "ratio", "change_percent"])


def _volatility(lake: Lake) -> list[dict[str, Any]]:
    days = _aapl(lake)
    days["log_return"] = np.log(days.price.astype(float)).diff()
    days["volatility"] = days.log_return.rolling(20).std()
    days["annual_percent"] = 100 * days.volatility * np.sqrt(252)
    return _records(days, ["date", "log_return", "volatility", "annual_percent"])


def _moving_averages(lake: Lake) -> list[dict[str, Any]]:
    days = _aapl(lake)
    for name, window in (("fast_average", 5), ("slow_average", 20)):
        days[name] = days.price.astype(float).rolling(window).mean()
    return _records(days, ["timestamp", "price", "fast_average", "slow_average"])


def _crosses(lake: Lake) -> list[dict[str, Any]]:
    days = _aapl(lake)
    assert len(crosses(list(days.price[days.ticks == 1]), 5, 20)) == 29
    found = crosses(list(days.price), 5, 20)
    return [
        {"timestamp": days.timestamp[at.position], "cross": at.kind.removesuffix("_cross")}
        for at in found
    ]


def _gaps(lake: Lake) -> list[dict[str, Any]]:
    own = lake.ticks[lake.ticks.symbol == lake.gappy].copy()
    own["gap_start"] = own.groupby("date").timestamp.shift()
    own = own[own.gap_start.notna()]
    lasted = pd.to_datetime(own.timestamp) - pd.to_datetime(own.gap_start)
    own["seconds"] = lasted.dt.total_seconds()
    own["gap_end"] = own.timestamp
    return _records(own[own.seconds > 18_000], ["date", "gap_start", "gap_end", "seconds"])


def _quarantined(lake: Lake) -> list[dict[str, Any]]:
    days = [(WEEK + timedelta(days=day)).date().isoformat() for day in range(DAYS)]
    return [{"date": day, "reason": "no JSON", "records": 1} for day in days]


def _live_lines(lake: Lake) -> pd.DataFrame:
    """The lines of live ticks as they arrived."""
    rows = []
    for date, line in (pair for lines in lake.objects.values() for pair in lines):
        if line in POISON:
            continue
        tick = json.loads(line)
        if "bar" not in tick and tick.get("mode", "live") == "live":
            rows.append({"date": date, **tick})
    return pd.DataFrame(rows)


def _quality(lake: Lake) -> list[dict[str, Any]]:
    found = []
    for (date, symbol, source), lines in _live_lines(lake).groupby(["date", "symbol", "source"]):
        lines["sent_at"] = lines.sent_at.where(lines.sent_at != BAD)
        ticks = lines.groupby("timestamp", as_index=False).sent_at.min()
        ticks = ticks.sort_values(["sent_at", "timestamp"])
        late = pd.to_datetime(ticks.sent_at, utc=True) - pd.to_datetime(ticks.timestamp)
        seconds = sorted(late.dt.total_seconds().dropna())
        latest = ticks.timestamp.cummax().shift()
        row = {"date": date, "symbol": symbol, "source": source, "ticks": len(ticks)}
        row |= {"repeats": len(lines) - len(ticks)}
        row |= {"out_of_order": int((latest > ticks.timestamp)[late.notna()].sum())}
        for percent in (50, 90, 99):
            place = -(-len(seconds) * percent // 100) - 1
            row[f"delay_p{percent}"] = seconds[place] if seconds else None
        found.append(row)
    assert {row["out_of_order"] > 0 for row in found} == {True, False}
    assert {row["repeats"] > 0 for row in found} == {True, False}
    return found


def _sources_compared(lake: Lake) -> list[dict[str, Any]]:
    lines = _live_lines(lake)
    lines["minute"] = lines.timestamp.str[:16]
    last = (
        lines.sort_values("timestamp").groupby(["date", "symbol", "source", "minute"]).price.last()
    )
    wide = last.astype(float).unstack("source").dropna()
    wide["percent"] = 100 * (wide.simulator - wide.other).abs() / wide.other
    by = wide.groupby(level=["date", "symbol"]).percent
    made = by.agg(minutes="count", mean_percent="mean", largest_percent="max").reset_index()
    made["source"], made["other"] = "other", "simulator"
    assert (made.largest_percent > made.mean_percent).any()
    return _records(made, list(made.columns))
