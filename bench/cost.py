"""What Ticktape costs at AWS's list prices: `python -m bench.cost --symbols 25 --interval 30`.

Calls, capacity units, bytes and CPU are counted while the app's handlers work (bench/cost_run.py).
costs/pricing.py converts them to dollars, and docs/cost.md explains the result. Nothing is sent to
AWS.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from bench import baseline
from bench.cost_run import record_bytes, run
from costs import collector, lake
from costs.counted import Counted
from costs.list_prices import prices
from costs.pricing import Line, fixed, mails, total, variable
from costs.settings import MARKET_HOURS, ROUND_THE_CLOCK, Settings
from producer.arguments import number, whole_number

TENTH = 0.1
SMALL = Settings(mails=1)
LARGE = Settings(symbols=5000, interval_seconds=1, detect_window=10, crosses="off", prices_days=7)
PACKED = msgspec.structs.replace(LARGE, ticks_per_record=10, flush_seconds=10, detect_window=30)
CASES: dict[str, tuple[Settings, float | None]] = {
    "25 symbols each 30 s, Kinesis": (SMALL, 2.6),
    "25 symbols each 30 s, SQS": (msgspec.structs.replace(SMALL, ingest="sqs"), None),
    "5,000 symbols each 1 s": (LARGE, 0.9),
    "5,000 symbols each 1 s, packed by 10 s": (PACKED, 0.2),
}


class Bill(msgspec.Struct, frozen=True):
    """The cost of a load in USD: per million ticks, fixed per month, and for the lake per month."""

    settings: Settings
    shards: int
    ticks: int
    variable: list[Line]
    mails: float
    fixed: list[Line]
    lake: list[Line]

    @property
    def million(self) -> float:
        """Return USD per million ticks, without messages by mail."""
        return total(self.variable)

    @property
    def month(self) -> float:
        """Return the total USD per month."""
        return self.of_use + total(self.fixed) + total(self.lake)

    @property
    def of_use(self) -> float:
        """Return USD per month for the ticks and for their alerts by mail."""
        return (self.million + self.mails) * self.settings.ticks_a_month / 1e6


def bill(settings: Settings, counted: Counted | None = None) -> Bill:
    """Price a load. Count it first, unless `counted` is given."""
    counted = counted or run(settings)
    shards = settings.shards_for(record_bytes() * settings.packed)
    listed = prices()
    return Bill(
        settings,
        shards,
        counted.ticks,
        variable(counted, settings, listed),
        mails(counted, listed, settings.mails),
        fixed(settings, shards, listed),
        lake.lines(counted, settings, listed),
    )


def measure() -> list[dict[str, Any]]:
    """Return the results of all cases with their targets, beside the most expensive old design.
    Both include mails."""
    old = bill(baseline.SETTINGS, baseline.count())
    dearest = old.million + old.mails
    bills = {name: bill(settings) for name, (settings, _) in CASES.items()}
    kinesis, queue = (bills[f"25 symbols each 30 s, {way}"] for way in ("Kinesis", "SQS"))
    return [
        *(_result(name, found, dearest, CASES[name][1]) for name, found in bills.items()),
        {
            "name": "cost: 25 symbols each 30 s, a month by SQS beside Kinesis",
            "value": round(queue.month, 2),
            "unit": "USD a month",
            "baseline": round(kinesis.month, 2),
            "ratio": round(queue.month / kinesis.month, 3),
            "target": "less",
            "holds": queue.month < kinesis.month,
        },
    ]


def _result(name: str, found: Bill, dearest: float, target: float | None) -> dict[str, Any]:
    ratio = (found.million + found.mails) / dearest
    wanted = f"<= {target:g}, " if target else ""
    return {
        "name": f"cost: {name} ({found.settings.said()})",
        "value": round(found.million, 3),
        "unit": "USD a million ticks",
        "baseline": round(dearest, 2),
        "ratio": round(ratio, 4),
        "target": f"{wanted}a tenth of the old design",
        "holds": ratio <= TENTH and (target is None or found.million <= target),
    }


def main(arguments: Sequence[str]) -> int:
    """Print the costs and return 0. Exits with status 2 if a flag is invalid."""
    options = vars(_parser().parse_args(arguments))
    as_json = options.pop("json")
    if options["flush_seconds"] and options["ticks_per_record"] == 1:
        options["ticks_per_record"] = 1000
    if options["ticks_per_record"] > 1 and not options["flush_seconds"]:
        options["flush_seconds"] = 1.0
    found = bill(Settings(**options))
    if as_json:
        print(json.dumps(as_builtins(found), indent=2))
    else:
        show(found)
    return 0


def as_builtins(found: Bill) -> dict[str, Any]:
    """Return the figures that `show` prints, as builtin types for JSON."""
    sums = {"usd_a_million": found.million, "ticks_a_month": found.settings.ticks_a_month}
    sums |= {"usd_a_month": found.month, "usd_fixed_a_month": total(found.fixed)}
    listed = {"as_of": prices().as_of, "region": prices().region}
    return {**msgspec.to_builtins(found), **sums, "prices": listed}


def show(found: Bill) -> None:
    """Print the costs as tables."""
    settings, listed = found.settings, prices()
    console = Console(width=None if sys.stdout.isatty() else 100)
    title = f"{settings.symbols:,} symbols each {settings.interval_seconds:g} s"
    table = Table("for what", "USD a million ticks", "USD a month", title=title)
    month = settings.ticks_a_month / 1e6
    for line in found.variable:
        table.add_row(line.what, f"{line.usd:.4f}", f"{line.usd * month:,.2f}")
    table.add_section()
    table.add_row("by use", f"{found.million:.4f}", f"{found.million * month:,.2f}")
    if settings.mails:
        name = f"alerts by mail to {settings.mails}"
        table.add_row(name, f"{found.mails:.4f}", f"{found.mails * month:,.2f}")
    for line in found.fixed:
        table.add_row(f"fixed: {line.what}", "", f"{line.usd:,.2f}")
    for line in found.lake:
        table.add_row(line.what, "", f"{line.usd:,.2f}")
    table.add_section()
    table.add_row("all", "", f"{found.month:,.2f}")
    console.print(table)
    console.print(
        f"{settings.said()}\n{settings.ticks_a_month / 1e6:,.2f} million ticks a month "
        f"({settings.hours:g} hours); counted over {found.ticks:,} ticks; list prices of "
        f"{listed.as_of}, {listed.region}, free allowances of use not taken off"
    )
    show_collectors(settings, console)


def show_collectors(settings: Settings, console: Console) -> None:
    """Print the cost of each kind of collector. The total includes a collector only on request."""
    table = Table("what collects", "USD a month", "within free allowances")
    for kind in collector.KINDS:
        chosen = msgspec.structs.replace(settings, collector=kind)
        full = collector.usd_a_month(chosen, prices())
        least = collector.usd_a_month(chosen, prices(), is_free=True)
        table.add_row(collector.KINDS[kind], f"{full:,.2f}", f"{least:,.2f}")
    console.print(table)
    console.print(f"Lambda: {collector.gb_seconds(settings):,.0f} GB-seconds a month")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.cost",
        description="Counts what a load takes and prices it; docs/cost.md tells how.",
        allow_abbrev=False,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--symbols", type=_integer(1, 1_000_000), default=25, metavar="N", help="how many")
    add(
        "--interval", dest="interval_seconds", type=_seconds(0.01, 86_400), default=30.0,
        metavar="S", help="between two ticks of a symbol",
    )  # fmt: skip
    add("--ingest", choices=("kinesis", "sqs"), default="kinesis", help="by which way")
    add("--stream", choices=("provisioned", "on-demand"), default="provisioned", help="of Kinesis")
    add("--shards", type=_integer(1, 10_000), metavar="N", help="unless it follows from the load")
    add("--ticks-per-record", type=_integer(1, 1000), default=1, metavar="N", help="the producer's")
    add("--flush-seconds", type=_seconds(0, 60), default=0.0, metavar="S", help="the producer's")
    add("--ingest-window", type=_seconds(0, 300), default=1.0, metavar="S", help="seconds")
    add("--detect-window", type=_seconds(0, 300), default=0.0, metavar="S", help="seconds")
    add(
        "--alerts", choices=("bars", "every-tick"), default="bars",
        help="which crosses the default rules send",
    )  # fmt: skip
    add(
        "--crosses", choices=("tick", "1m", "5m", "1h", "off"), default="tick",
        help="what default-golden-cross and default-death-cross are judged on; off: not at all",
    )  # fmt: skip
    add("--mails", type=_integer(0, 1000), default=0, metavar="N", help="addresses for alerts")
    add("--tabs", type=_integer(0, 10_000), default=0, metavar="N", help="pages open all month")
    add("--push", action="store_true", help="prices are pushed to the open pages")
    add("--reports", type=_integer(0, 1_000_000), default=0, metavar="N", help="run in a month")
    add(
        "--collector", choices=("none", *collector.KINDS), default="none",
        help="what collects the prices, if its cost is to be in the sum",
    )  # fmt: skip
    add("--memory", dest="memory_mb", type=_integer(128, 10_240), default=512, metavar="MB",
        help="of each function")  # fmt: skip
    add("--prices-days", type=_seconds(1, 3650), default=30.0, metavar="D", help="ticks are kept")
    add("--raw-days", type=_seconds(1, 3650), default=365.0, metavar="D", help="archive is kept")
    add("--tracing", action="store_true", help="X-Ray is on")
    add(
        "--hours", type=_hours, default=ROUND_THE_CLOCK, metavar="H|market",
        help=f"in a month in which ticks come; market: {MARKET_HOURS:g}",
    )  # fmt: skip
    add("--json", action="store_true", help="for programs")
    return parser


def _integer(low: int, high: int) -> Callable[[str], int]:
    return partial(whole_number, low=low, high=high)


def _seconds(low: float, high: float) -> Callable[[str], float]:
    return partial(number, low=low, high=high, allowed=f"{low:g} to {high:g}")


def _hours(text: str) -> float:
    return MARKET_HOURS if text == "market" else _seconds(1, 744)(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
