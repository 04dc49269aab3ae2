"""Reports of a run for people and machines."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from decimal import Decimal

from rich.console import Console

from producer.records import Record
from producer.reporting import JsonReporter, summary
from producer.status import Status
from producer.table import TableReporter, view_of
from tests.producer_support.doubles import make_line, make_wire_tick

NOW = datetime(2026, 11, 20, 15, 2, tzinfo=UTC)


def busy() -> Status:
    status = Status(lambda _event, _message: None)
    status.source, status.sink, status.state = "yfinance", "kinesis:ticks", "live"
    status.passed([make_wire_tick("AAPL", price=Decimal("110"), previous_close=Decimal(100))])
    status.passed([make_wire_tick("MSFT", 60, price=Decimal("99"), previous_close=Decimal(100))])
    status.sent([Record("AAPL", (make_line("AAPL"),))])
    status.sent([Record("AAPL", (make_line("AAPL", bar="1d"), make_line("AAPL", 1, bar="1d")))])
    status.drop("repeat")
    status.refused(2, "throttled")
    status.pending = lambda: 7
    return status


def test_the_summary_has_the_documented_fields() -> None:
    assert summary(busy()) == {
        "source": "yfinance",
        "sink": "kinesis:ticks",
        "state": "live",
        "progress": None,
        "symbols": 2,
        "sent": 1,
        "bars": 2,
        "pending": 7,
        "refused": 2,
        "dropped": {"repeat": 1},
        "gaps": None,
        "last_tick": "2026-11-20T15:01:00.000000Z",
    }


def test_machines_get_an_object_a_line() -> None:
    out = io.StringIO()
    reporter = JsonReporter(out, lambda: NOW)
    reporter.tell("note", "prices come from Yahoo")
    reporter.start(busy())
    reporter.stop()
    reporter.end("1 ticks sent")
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["note", "status", "end"]
    assert {line["time"] for line in lines} == {"2026-11-20T15:02:00.000000Z"}


def test_the_same_problem_is_reported_once_in_a_while() -> None:
    told: list[str] = []
    status = Status(lambda _event, message: told.append(message))
    for _ in range(5):
        status.problem("AAPL: no price")
    status.problem("MSFT: no price")
    assert told == ["AAPL: no price", "MSFT: no price"]


def drawn(status: Status, height: int = 40) -> str:
    console = Console(file=io.StringIO(), width=100, force_terminal=False)
    with console.capture() as captured:
        console.print(view_of(status, NOW, height))
    return captured.get()


def test_people_see_each_symbol_with_its_change_and_age() -> None:
    view = drawn(busy())
    aapl = next(line for line in view.splitlines() if line.startswith("AAPL"))
    assert aapl.split() == ["AAPL", "110", "+10.00", "%", "2", "min", "1"]
    assert "-1.00 %" in view
    assert "yfinance -> kinesis:ticks: live" in view
    assert "1 ticks and 2 bars sent, 7 waiting" in view
    assert "dropped: 1 repeat" in view


def test_a_low_terminal_shows_what_fits_and_says_what_does_not() -> None:
    status = busy()
    status.passed([make_wire_tick(f"S{number:02}") for number in range(30)])
    view = drawn(status, height=16)
    assert "and 22 more" in view


def test_the_table_reporter_draws_and_ends() -> None:
    out = io.StringIO()
    reporter = TableReporter(Console(file=out, width=100, force_terminal=True))
    reporter.start(busy())
    reporter.tell("problem", "AAPL: no price")
    reporter.stop()
    reporter.end("1 ticks sent")
    assert "AAPL" in out.getvalue()
    assert "1 ticks sent" in out.getvalue()


def test_people_see_how_much_of_the_history_was_sent() -> None:
    status = busy()
    assert "━" not in drawn(status)
    status.say("sending history", 1.0)
    assert "30%" in drawn(status)  # 3 of 10 lines
    assert "━" in drawn(status)
