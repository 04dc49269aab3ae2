"""Small parts of the local system: counts, environment, subscriber, running file, lock."""

from __future__ import annotations

import io
import logging
import os
import tempfile
from pathlib import Path

import msgspec
import pytest

from chalicelib.settings import Settings, load
from commands import aws_environment, running_file
from embedded_aws.data_directory import DataDirectory
from embedded_aws.environment import Keys, point_at
from embedded_aws.errors import FolderError
from infra import resources
from local import producing
from local.arguments import Options
from local.counters import Counters, Snapshot, count_metrics
from local.describing import activity, lag, quarantined, summary
from local.page_server import content_security_policy
from local.terminal import Addresses, PlainTerminal
from producer.collector.settings import load as load_collector


def test_metrics_of_the_handlers_are_added_up() -> None:
    counters = Counters()
    count_metrics(counters)
    log = logging.getLogger("ticktape.metrics")
    log.info("{}", extra={"counters": {"TicksStored": 3, "StoreAgeMilliseconds": 1500}})
    log.info("{}", extra={"counters": {"TicksStored": 2, "RecordsQuarantined": 1}})
    told = {"quarantine_reason": "price: above 0"}
    log.info("{}", extra={"counters": {"RecordsQuarantined": 1}, "properties": told})
    log.info("a line without counters")
    log.handlers.clear()
    log.propagate = True
    now = counters.snapshot()
    assert (now.ticks, now.quarantined, now.age_seconds) == (5, 2, 1.5)
    assert quarantined(now) == "2 quarantined (last reason: price: above 0)"


def test_the_producers_status_is_the_last_one() -> None:
    counters = Counters()
    counters.produced({"source": "simulator", "state": "live", "sent": 5, "bars": 2})
    counters.produced({"source": "simulator", "state": "live", "sent": 9, "bars": 2})
    assert counters.snapshot().sent == 11


def test_the_line_says_what_is_going_on() -> None:
    now = Snapshot(source="replay", state="replaying", sent=1506, ticks=506, bars=1, given_up=2)
    assert summary(now) == (
        "replay: replaying; 1,506 ticks and bars sent; 506 ticks and 1 bar stored; "
        "0 alerts, 0 messages; 2 dead-lettered"
    )


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (Snapshot(), "waiting for the first prices"),
        (Snapshot(bars=5), "waiting for new prices"),
        (Snapshot(source="simulator", state="live", stopped=True), "stopped"),
        (Snapshot(source="simulator", state="live", waiting=3), "simulator: live"),
        (
            Snapshot(source="replay", state="ended", waiting=1305),
            "replay: the recording ended; 1,305 records still being processed",
        ),
        (Snapshot(source="replay", state="ended", waiting=0), "replay: the recording ended"),
        (
            Snapshot(source="yfinance", state="ended", waiting=1),
            "yfinance: the producer ended; 1 record still being processed",
        ),
    ],
)
def test_an_end_is_distinguished_from_the_end_of_the_work(now: Snapshot, words: str) -> None:
    assert activity(now) == words


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (Snapshot(waiting=0, age_seconds=9), "no records waiting"),
        (Snapshot(waiting=1305, lag_seconds=12.34), "1,305 records waiting, 12.3 s behind"),
        (Snapshot(waiting=None, age_seconds=0.44), "stored after 0.4 s"),
        (Snapshot(waiting=1305, stopped=True), "1,305 records not processed yet"),
    ],
)
def test_the_lag_is_what_waits_and_for_how_long(now: Snapshot, words: str) -> None:
    assert lag(now) == words


class Watched:
    """A plain terminal over a snapshot and a clock that the test sets."""

    def __init__(self) -> None:
        self.now = Snapshot()
        self.seconds = 0.0
        self.out = io.StringIO()
        self.terminal = PlainTerminal(lambda: self.now, self.out, lambda: self.seconds)

    def lines(self, seconds: float, **changes: object) -> int:
        """Return the number of lines written if these counts have changed some seconds later."""
        before = self.out.getvalue().count("\n")
        self.seconds += seconds
        self.now = msgspec.structs.replace(self.now, **changes)
        self.terminal.look()
        return self.out.getvalue().count("\n") - before


def test_plain_lines_come_at_turning_points() -> None:
    watched = Watched()
    assert watched.lines(0) == 1
    assert watched.lines(1, source="simulator", state="sending history") == 1
    assert watched.lines(1, bars=100) == 1
    assert watched.lines(1, ticks=25) == 1
    assert watched.lines(1, state="live") == 1
    assert watched.lines(1, quarantined=1) == 1
    assert watched.lines(1, given_up=10) == 1
    assert watched.lines(1, state="ended", waiting=50) == 1
    assert watched.lines(1, waiting=0) == 1


def test_numbers_that_merely_grow_are_a_line_each_30_seconds() -> None:
    watched = Watched()
    watched.lines(0, source="simulator", state="live", ticks=1, bars=1, quarantined=1)
    grown = [watched.lines(1, ticks=n, bars=n, quarantined=n, alerts=n) for n in range(2, 93)]
    assert sum(grown) == 3
    assert [watched.lines(300), watched.lines(300)] == [1, 0]


def test_a_plain_terminal_writes_addresses_and_alerts() -> None:
    out = io.StringIO()
    terminal = PlainTerminal(Snapshot, out)
    terminal.ready(Addresses(None, "http://api", "http://aws", "secret", "none"))
    terminal.alert("2026-11-20T15:30:00.000000Z", "AAPL golden cross")
    terminal.close()
    text = out.getvalue()
    assert "http://api" in text
    assert "secret" in text
    assert "alert 2026-11-20T15:30:00.000000Z AAPL golden cross\n" in text


def test_the_users_own_aws_does_not_show_through() -> None:
    environ = {"AWS_PROFILE": "work", "AWS_CA_BUNDLE": "/x", "HTTP_PROXY": "http://p", "A": "b"}
    point_at(environ, "http://127.0.0.1:1", Keys("KEY", "SECRET"))
    assert "AWS_PROFILE" not in environ
    assert "AWS_CA_BUNDLE" not in environ
    assert environ["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert environ["AWS_ACCESS_KEY_ID"] == "KEY"
    assert environ["AWS_SECRET_ACCESS_KEY"] == "SECRET"
    assert environ["NO_PROXY"] == "127.0.0.1,localhost"
    assert environ["A"] == "b"


def test_a_users_endpoint_keeps_its_keys() -> None:
    environ = {"AWS_ENDPOINT_URL": "http://e", "AWS_ACCESS_KEY_ID": "mine", "AWS_REGION": "eu-x-1"}
    aws_environment.keep_users(environ)
    assert environ["AWS_ACCESS_KEY_ID"] == "mine"
    assert environ["AWS_DEFAULT_REGION"] == "eu-x-1"


@pytest.mark.parametrize("ingest", ["kinesis", "sqs"])
def test_the_environment_is_what_the_app_reads(ingest: str) -> None:
    variables = resources.environment(
        resources.load(),
        ingest=ingest,
        queue_urls=dict.fromkeys(resources.load().queues, "http://queue"),
        topic_arn="arn:topic",
        stream_arns={"prices": "arn:stream", "alerts": "arn:alerts"},
    )
    settings = load(variables)
    assert settings.prices_table == "ticktape-local-prices"
    assert settings.archive_bucket == "ticktape-local-archive"
    assert bool(settings.ticks_stream) == (ingest == "kinesis")
    assert bool(settings.ticks_queue_url) == (ingest == "sqs")
    names = {field.upper() for field in Settings.__struct_fields__}
    assert set(variables) <= names


def make_options(**fields: object) -> Options:
    given: dict[str, object] = {
        "source": "simulator",
        "symbols": (),
        "file": None,
        "speed": None,
        "interval": None,
        "ticks_per_record": None,
        "flush_seconds": None,
        "ingest": "kinesis",
        "api_port": 0,
        "page_port": 0,
        "aws_port": 0,
        "data": None,
        "seconds": None,
        "page": True,
    }
    return Options(**{**given, **fields})  # type: ignore[arg-type]


def test_the_producer_is_started_as_its_contract_says() -> None:
    options = make_options(symbols=("A", "B"), interval="0.5")
    assert producing.command(options, {"TICKS_STREAM": "s"}) == [
        "stream", "--source", "simulator", "--interval", "0.5", "--symbols", "A,B",
        "--sink", "kinesis", "--stream", "s",
    ]  # fmt: skip


@pytest.mark.parametrize("ingest", ["kinesis", "sqs"])
def test_the_collectors_function_is_started_after_history_with_its_environment(ingest: str) -> None:
    names = ("TICKS_STREAM", "TICKS_QUEUE_URL")
    given = dict.fromkeys(names, "given") | {"SYMBOLS_TABLE": "symbols"}
    options = make_options(
        collector="lambda", ingest=ingest, interval="3", symbols=("A",), history=(Path("a.csv"),)
    )
    history, collector = producing.commands(options, given)
    assert (history.module, history.arguments[0]) == ("producer", "backfill")
    assert (collector.module, collector.arguments) == ("local.collecting", [])
    settings = load_collector(collector.environment)
    assert (settings.source, settings.symbols) == ("simulator", ("A",))
    assert (settings.options.sink, settings.options.interval) == (ingest, 3)


def test_a_replay_is_started_with_its_file_and_speed_and_sends_alerts_unless_refused() -> None:
    given = {"source": "replay", "file": Path("x.csv"), "speed": "max", "ingest": "sqs"}
    replay = ["replay", "x.csv", "--speed", "max"]
    into = ["--sink", "sqs", "--queue-url", "u"]
    environment = {"TICKS_QUEUE_URL": "u"}
    assert producing.command(make_options(**given), environment) == [*replay, "--alerts", *into]
    quiet = make_options(**given, alerts=False)
    assert producing.command(quiet, environment) == [*replay, *into]


def test_a_data_folder_is_used_by_one_system_at_a_time(tmp_path: Path) -> None:
    first = DataDirectory(tmp_path / "data")
    with pytest.raises(FolderError, match=f"in use by process {os.getpid()}"):
        DataDirectory(tmp_path / "data")
    first.close()
    DataDirectory(tmp_path / "data").close()


def test_a_data_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FolderError, match="file"):
        DataDirectory(tmp_path / "file" / "data")


def test_the_running_file_tells_and_forgets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    path = running_file.write({"api": "http://api"})
    assert path.stat().st_mode & 0o777 == 0o600
    (path.parent / "999999999.json").write_text("{}")
    assert running_file.find() == [{"pid": os.getpid(), "api": "http://api"}]
    running_file.remove()
    assert list(path.parent.iterdir()) == []


def test_the_page_may_load_itself_and_its_api_alone() -> None:
    policy = content_security_policy("http://127.0.0.1:8000")
    assert "default-src 'none'" in policy
    assert "connect-src 'self' http://127.0.0.1:8000;" in policy
