"""The cost of alerts on channels: `python -m bench.channel_cost`.

1,000 alerts go to three channels (ntfy and Gotify by apprise, and a signed webhook) through
`deliver` over AWS in memory. They go once as text, and once with a picture for ntfy, of 60 bars and
two averages. They also go to channels that hold them for a digest, which is not sent. The receivers
run in a process of their own on the loopback interface. Bias: there are no TLS handshakes. The CPU
is this machine's, without Lambda's own overhead. All receivers answer after ANSWER_SECONDS and
never fail.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from rich.console import Console
from rich.table import Table

from bench.aws_calls import AwsCalls
from chalicelib.adapters import events
from chalicelib.adapters.apprise_channel import AppriseChannel
from chalicelib.adapters.channels import Channels
from chalicelib.adapters.deliveries import Deliveries
from chalicelib.adapters.digests import Digests
from chalicelib.adapters.directory_items import DirectoryItems
from chalicelib.adapters.retries import Retries
from chalicelib.adapters.webhook import Webhook
from chalicelib.domain.alerts import Alert
from chalicelib.domain.bars import Bar
from chalicelib.domain.channel_secrets import Secrets
from chalicelib.domain.channels import StoredChannel
from chalicelib.domain.holding_settings import NOTHING_HELD, Holding
from chalicelib.domain.pictures.chart import draw
from chalicelib.domain.times import to_text
from chalicelib.services.delivery.budget import MessageBound
from chalicelib.services.delivery.channel import Channel
from chalicelib.services.delivery.deliver import Deliver
from chalicelib.services.delivery.directory import Directory
from chalicelib.services.delivery.lanes import PARALLEL_SENDS
from chalicelib.services.delivery.pictures import Pictures
from costs.list_prices import prices
from costs.pricing import CPU_FACTOR, FULL_PROCESSOR_MB, Line, total
from rigs.alert_peers import peer, webhook
from rigs.invocations import instant
from rigs.memory_aws.system import RESOURCES, SETTINGS, Aws, services_over
from rigs.memory_aws.transport import Transport

ALERTS = 1_000
BATCH = 100
SYMBOLS = 25
MINUTES = 80
DRAWINGS = 50
ANSWER_SECONDS = 0.2
MILLION = 1_000_000
IDS = ("ntfy", "gotify", "webhook")
TIMER_REQUESTS = 3
"""SQS requests of an agenda's timer in a quarter of an hour: sent, received and deleted."""
QUARTERS_A_DAY = 96
UNBOUNDED = MessageBound(firsts=0, rule=10**9, channel=10**9, shared=10**9)
"""No limit on messages, since all alerts of the run come within a minute of its clock."""


class Counts(msgspec.Struct, frozen=True):
    """What one alert uses on all channels: seconds of CPU, capacity units, calls to AWS and
    messages."""

    cpu: float
    read_units: float
    write_units: float
    calls: float
    messages: float


def count(alerts: int = ALERTS, *, pictures: bool = False, held: bool = False) -> Counts:
    """Deliver the alerts in batches, and return what one alert uses. With `pictures`, ntfy gets a
    picture with each message. With `held`, all channels hold the alerts for a digest."""
    transport = Transport(Aws())
    stores = services_over(transport).stores
    if pictures:
        for symbol in range(SYMBOLS):
            stores.bars.put_all(_bars(f"S{symbol}"), to_text(instant(0)))
    warm_up = _batch(transport, stores, 0, 1)
    batches = [
        _batch(transport, stores, first, min(BATCH, alerts + 1 - first))
        for first in range(1, alerts + 1, BATCH)
    ]
    with receivers() as port:
        drawn = partial(Pictures, stores.bars) if pictures else None
        holding = Holding(digest="every_15_minutes") if held else NOTHING_HELD
        deliver = make_deliver(transport, port, drawn, holding)
        deliver.new(warm_up, math.inf)  # the first call imports apprise
        calls, began = AwsCalls([transport.dynamodb]), time.process_time()
        sent = sum(deliver.new(batch, math.inf).sent for batch in batches)
        cpu = time.process_time() - began
    tallies = list(calls.by_operation.values())
    return Counts(
        cpu / alerts,
        sum(each.read_units for each in tallies) / alerts,
        sum(each.write_units for each in tallies) / alerts,
        sum(each.calls for each in tallies) / alerts,
        sent / alerts,
    )


def drawing_seconds(times: int = DRAWINGS) -> float:
    """Return the CPU seconds for drawing one picture."""
    alert, bars, zone = _alert(0), _bars("S0"), ZoneInfo("America/New_York")
    draw(bars, alert, zone)  # the first call unpacks the letters
    began = time.process_time()
    for _ in range(times):
        draw(bars, alert, zone)
    return (time.process_time() - began) / times


def make_deliver(
    transport: Transport,
    port: int,
    pictures: Callable[[], Pictures] | None = None,
    holding: Holding = NOTHING_HELD,
) -> Deliver:
    """Make the service that delivers alerts to three channels at a port of this machine. `pictures`
    draws pictures for ntfy; `holding` says what the channels hold."""
    addresses = {
        "ntfy": f"ntfy://127.0.0.1:{port}/alerts",
        "gotify": f"gotify://127.0.0.1:{port}/token",
        "webhook": f"http://127.0.0.1:{port}/",
    }

    def make(stored: StoredChannel) -> Channel:
        kind = Webhook if stored.channel_id == "webhook" else AppriseChannel
        secrets = Secrets(addresses[stored.channel_id], "s" * 20)
        return kind(secrets, lambda _: True)

    store = Channels(transport.dynamodb, SETTINGS.rules_table)
    stored = tuple(
        StoredChannel(
            channel_id=name,
            name=name,
            kind="apprise",
            service=name,
            **msgspec.structs.asdict(holding),
        )
        for name in IDS
    )
    store.write(store.table(), stored)
    queues = SETTINGS.deliveries_queue_url, SETTINGS.deliveries_dead_queue_url
    return Deliver(
        Deliveries(transport.dynamodb, SETTINGS.alerts_table),
        Directory(
            DirectoryItems(transport.dynamodb, SETTINGS.rules_table, lambda: instant(0)).read, make
        ),
        Retries(transport.sqs, *queues),
        "https://ticktape.example",
        lambda: instant(0),
        Digests(transport.dynamodb, SETTINGS.alerts_table),
        pictures,
        messages=UNBOUNDED,
    )


def _batch(transport: Transport, stores: Any, first: int, many: int) -> Any:
    """Record alerts, and return them as the stream of the alerts table contains them."""
    stream = transport.aws.tables["alerts"].stream
    seen = len(stream)
    stores.alerts.record_all([_alert(n) for n in range(first, first + many)], "America/New_York")
    return events.new_alerts({"Records": stream[seen:]})


def _alert(number: int) -> Alert:
    return Alert(
        symbol=f"S{number % SYMBOLS}",
        timestamp=to_text(instant(number)),
        rule_id="mine",
        condition="crossing_up",
        interval="1m",
        price=Decimal("189.84"),
        values={
            "value": Decimal(189),
            "change_percent": Decimal("1.02"),
            "sma_5": Decimal("189.5"),
            "sma_20": Decimal("189.1"),
        },
        message="AAPL crossed above 189, at 189.84",
        source="yfinance",
        channels=IDS,
    )


def _bars(symbol: str) -> list[Bar]:
    """Return the minute bars before the first alert. Their prices rise and fall."""
    bars = []
    for number in range(-MINUTES, 0):
        close = Decimal(18_900 + 100 * (number % 20) - 60 * (number % 7)) / 100
        bar = Bar(
            symbol=symbol,
            interval="1m",
            start=to_text(instant(60 * number)),
            open=close - Decimal("0.2"),
            high=close + Decimal("0.3"),
            low=close - Decimal("0.4"),
            close=close,
            ticks=2,
        )
        bars.append(bar)
    return bars


@contextmanager
def receivers() -> Iterator[int]:
    """Run the receivers in a process of their own, and yield their port."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_receive, args=(there,), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        here.send(None)
        process.join()


def _receive(pipe: Any) -> None:
    with peer(webhook(200)) as made:
        pipe.send(made.port)
        pipe.recv()


def lines(counts: Counts) -> list[Line]:
    """Return USD per million alerts, each on all three channels, without the cost of recording
    them."""
    usd = prices().of
    memory = RESOURCES["functions"]["deliver"]["memory_mb"]
    waits = counts.messages * ANSWER_SECONDS / PARALLEL_SENDS
    seconds = counts.cpu * CPU_FACTOR * FULL_PROCESSOR_MB / memory + waits
    return [
        Line("invocations", usd("lambda_request", MILLION / BATCH)),
        Line("GB-seconds", usd("lambda_gb_second", seconds * memory / 1024 * MILLION)),
        Line("reads", usd("dynamodb_read_unit", counts.read_units * MILLION)),
        Line("writes", usd("dynamodb_write_unit", counts.write_units * MILLION)),
    ]


def main(arguments: Sequence[str]) -> int:
    """Print the costs as a table or as JSON. Return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.channel_cost", allow_abbrev=False)
    parser.add_argument("--alerts", type=int, default=ALERTS, metavar="N")
    parser.add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_args(arguments)
    if options.alerts < 1:
        parser.error("--alerts: allowed: a whole number from 1")
    plain, pictured = (count(options.alerts, pictures=each) for each in (False, True))
    held = count(options.alerts, held=True)
    drawing = drawing_seconds()
    if options.json:
        columns = (("text", plain), ("pictures", pictured), ("held", held))
        told = {name: _told(each) for name, each in columns}
        more = {"drawing_seconds": drawing, "usd_timer_a_day": usd_timer_a_day()}
        print(json.dumps({**told, **more}, indent=2))
        return 0
    console = Console(width=None if sys.stdout.isatty() else 100)
    console.print(_table(plain, pictured, held))
    for name, each in (("text", plain), ("with a picture", pictured), ("held", held)):
        calls = f"{each.calls:.1f} calls to DynamoDB, {each.messages:.0f} messages"
        console.print(f"an alert, {name}: {each.cpu * 1000:.1f} ms CPU, {calls}")
    share = f"{pictured.cpu / plain.cpu:.2f} times the CPU"
    console.print(f"a picture: {drawing * 1000:.1f} ms CPU to draw, {share}")
    timer = f"{usd_timer_a_day():.5f} USD a day"
    console.print(f"a digest: a claim and a mark; a channel whose digests wait: {timer}")
    return 0


def _told(counts: Counts) -> dict[str, Any]:
    usd = {line.what: line.usd for line in lines(counts)}
    return {"counts": msgspec.structs.asdict(counts), "usd": usd}


def usd_timer_a_day() -> float:
    """Return USD a day for the SQS requests of a timer while digests wait."""
    return prices().of("sqs_request", TIMER_REQUESTS * QUARTERS_A_DAY)


def _table(*counts: Counts) -> Table:
    table = Table("USD a million alerts", "text", "with a picture", "held")
    found = [lines(each) for each in counts]
    for row in zip(*found, strict=True):
        table.add_row(row[0].what, *(f"{each.usd:.2f}" for each in row))
    table.add_section()
    table.add_row("three channels", *(f"{total(each):.2f}" for each in found))
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
