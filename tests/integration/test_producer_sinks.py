"""The sinks, the tracked symbols and the archive on AWS, as a moto server has it."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.sendings import sending_of
from producer.errors import SinkRefused, SinkUnavailable, UsageError
from producer.records import Record
from producer.sinks.kinesis import KinesisSink
from producer.sinks.sqs import SqsSink
from producer.source_plans import SourcePlans
from producer.sources.replay import open_recording
from producer.sources.simulator import HISTORY_DAYS, HISTORY_MINUTES
from producer.status import Status
from producer.watchlist import REFRESH_SECONDS, TrackedList
from producer.wire import Line, encode
from rigs.ports import free_port
from tests.producer_support import aws
from tests.producer_support.doubles import (
    AAPL_DAYS,
    make_line,
    make_wire_tick,
    run_producer,
)

HISTORY = HISTORY_MINUTES + HISTORY_DAYS


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with aws.moto_server() as endpoint:
        yield endpoint


@pytest.fixture(autouse=True)
def environment(moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in aws.variables(moto).items():
        monkeypatch.setenv(name, value)


def make_queue(moto: str, name: str) -> str:
    attributes = {"FifoQueue": "true"}
    answer = aws.client("sqs", moto).create_queue(QueueName=name, Attributes=attributes)
    return str(answer["QueueUrl"])


def messages(moto: str, url: str) -> list[dict[str, Any]]:
    """All messages, deleted as they are received, as a consumer does."""
    sqs = aws.client("sqs", moto)
    found: list[dict[str, Any]] = []
    while True:
        answer = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            AttributeNames=["MessageGroupId"],
            MessageAttributeNames=["All"],
        )
        batch = answer.get("Messages", [])
        if not batch:
            return found
        found += batch
        for message in batch:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def test_a_replay_arrives_in_the_stream_in_order(moto: str) -> None:
    aws.make_stream(moto, "days")
    done = run_producer(
        "replay", str(AAPL_DAYS), "--symbols", "AAPL", "--stream", "days",
        "--ticks-per-record", "20", **aws.variables(moto),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    ticks = aws.ticks_by_symbol(moto, "days")["AAPL"]
    times = [tick["timestamp"] for tick in ticks]
    assert len(times) == 506
    assert times == sorted(times)


def test_the_largest_request_is_taken(moto: str) -> None:
    aws.make_stream(moto, "large", shards=1)
    sink = KinesisSink("large")
    records = [
        Record(f"S{number}", (Line(f"S{number}", b"x" * 9_000, is_bar=False),))
        for number in range(500)
    ]
    assert sum(record.size for record in records) < sink.limits.request_bytes
    assert sink.send(records) == [None] * 500


def test_a_stream_that_is_not_there_is_refused(moto: str) -> None:
    record = Record("A", (make_line("A"),))
    with pytest.raises(SinkRefused, match="stream none: there is none of that name"):
        KinesisSink("none").send([record])
    done = run_producer(
        "replay", str(AAPL_DAYS), "--symbols", "AAPL", "--stream", "none", **aws.variables(moto)
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "python -m producer: stream none: there is none of that name (ResourceNotFoundException)"
    )


def test_a_stream_that_is_away_may_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(SinkUnavailable, match="stream s: "):
        KinesisSink("s").send([Record("A", (make_line("A"),))])


class Empty(BaseHTTPRequestHandler):
    """Answers 200 with nothing in it."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Quiet."""


@pytest.mark.parametrize("kind", [KinesisSink, SqsSink])
def test_an_answer_that_names_no_record_counts_as_none(
    kind: type[KinesisSink | SqsSink], monkeypatch: pytest.MonkeyPatch
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Empty) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        with pytest.raises(SinkUnavailable, match="the answer was cut off"):
            kind(f"{address}/s").send([Record("A", (make_line("A"),))])
        server.shutdown()


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        ("AWS_DEFAULT_REGION", "no AWS region; set AWS_REGION or AWS_DEFAULT_REGION"),
        ("AWS_ACCESS_KEY_ID", "no AWS credentials; set AWS_ACCESS_KEY_ID or AWS_PROFILE"),
    ],
)
def test_missing_settings_of_aws_are_named(
    missing: str, told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(missing)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(UsageError, match=told):
        KinesisSink("s")


def test_a_poll_becomes_a_message_for_each_group_of_symbols(moto: str) -> None:
    url = make_queue(moto, "poll.fifo")
    sink = SqsSink(url)
    symbols = [f"SYM{number:02}" for number in range(25)]
    groups: dict[str, list[Line]] = {}
    for symbol in symbols:
        groups.setdefault(sink.key(symbol), []).append(make_line(symbol))
    records = [Record(key, tuple(lines)) for key, lines in groups.items()]
    assert len(records) <= 10
    assert sink.send(records) == [None] * len(records)
    found = messages(moto, url)
    assert {message["Attributes"]["MessageGroupId"] for message in found} == set(groups)
    arrived = [json.loads(line)["symbol"] for m in found for line in m["Body"].splitlines()]
    assert sorted(arrived) == symbols
    told = [message["MessageAttributes"]["ticktape.sent"]["StringValue"] for message in found]
    sendings = [sending_of(text, time.time_ns() // 1_000_000) for text in told]
    assert None not in sendings
    assert len(set(sendings)) == len(records)


def test_the_same_message_twice_is_delivered_once(moto: str) -> None:
    url = make_queue(moto, "twice.fifo")
    sink = SqsSink(url)
    record = Record("g1", (make_line("A", 1),))
    assert sink.send([record]) == sink.send([record]) == [None]
    assert len(messages(moto, url)) == 1


def test_sqs_keeps_each_symbol_in_order(moto: str, tmp_path: Path) -> None:
    url = make_queue(moto, "order.fifo")
    ticks = [make_wire_tick(f"S{number % 7}", number // 7) for number in range(700)]
    path = tmp_path / "ticks.ndjson"
    path.write_bytes(b"".join(encode(tick) + b"\n" for tick in ticks))
    done = run_producer(
        "replay", str(path), "--sink", "sqs", "--queue-url", url, **aws.variables(moto)
    )
    assert done.returncode == 0, done.stderr
    times: dict[str, list[str]] = {}
    for message in messages(moto, url):
        assert len(message["Body"]) < 256 * 1024
        for line in message["Body"].splitlines():
            tick = json.loads(line)
            times.setdefault(tick["symbol"], []).append(tick["timestamp"])
    assert {symbol: len(mine) for symbol, mine in times.items()} == {
        f"S{number}": 100 for number in range(7)
    }
    assert all(mine == sorted(set(mine)) for mine in times.values())


def test_a_queue_that_is_not_there_is_refused(moto: str) -> None:
    sink = SqsSink(f"{moto}/123456789012/none.fifo")
    with pytest.raises(SinkRefused, match="there is none of that name"):
        sink.send([Record("g1", (make_line("A"),))])


def make_symbols(moto: str, name: str) -> Any:
    dynamodb = aws.client("dynamodb", moto)
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "list", "KeyType": "HASH"},
            {"AttributeName": "symbol", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "list", "AttributeType": "S"},
            {"AttributeName": "symbol", "AttributeType": "S"},
        ],
    )
    return dynamodb


def track(dynamodb: Any, table: str, *symbols: str) -> None:
    for symbol in symbols:
        item = {"list": {"S": "tracked"}, "symbol": {"S": symbol}}
        dynamodb.put_item(TableName=table, Item=item)


def test_tracked_symbols_follow_the_table_within_a_minute(moto: str) -> None:
    dynamodb = make_symbols(moto, "symbols")
    track(dynamodb, "symbols", "AAPL")
    clock = [0.0]
    told: list[str] = []
    status = Status(lambda _event, text: told.append(text))
    plans = SourcePlans("yfinance")
    tracked = TrackedList("symbols", dynamodb, status, plans, lambda: clock[0])
    assert tracked.symbols() == ("AAPL",)
    track(dynamodb, "symbols", "MSFT")
    assert tracked.symbols() == ("AAPL",)
    assert REFRESH_SECONDS < 60
    clock[0] += REFRESH_SECONDS
    assert tracked.symbols() == ("AAPL", "MSFT")
    dynamodb.delete_item(
        TableName="symbols", Key={"list": {"S": "tracked"}, "symbol": {"S": "AAPL"}}
    )
    clock[0] += REFRESH_SECONDS
    assert tracked.symbols() == ("MSFT",)
    dynamodb.delete_table(TableName="symbols")
    clock[0] += REFRESH_SECONDS
    assert tracked.symbols() == ("MSFT",)
    assert "the tracked symbols cannot be read" in told[0]


def test_the_simulator_follows_tracked_symbols_with_history(moto: str) -> None:
    track(make_symbols(moto, "tracked"), "tracked", "FJORDA")
    process = aws.start_producer(
        "stream", "--source", "simulator", "--symbols", "tracked", "--symbols-table", "tracked",
        "--stream", "simulated", "--interval", "0.2", **aws.variables(moto),
    )  # fmt: skip
    aws.make_stream(moto, "simulated")
    try:
        assert process.stderr is not None
        while json.loads(process.stderr.readline()).get("bars", 0) < HISTORY:
            pass
    finally:
        aws.end(process, 15)
    ticks = aws.ticks_by_symbol(moto, "simulated")
    assert set(ticks) == {"FJORDA"}
    bars = [tick for tick in ticks["FJORDA"] if tick.get("bar")]
    assert len(bars) == HISTORY


def archived(hours: dict[str, list[bytes]]) -> dict[str, bytes]:
    return {
        f"raw/date={hour[:10]}/hour={hour[11:]}/shard-1-2.json.gz": gzip.compress(b"\n".join(lines))
        for hour, lines in hours.items()
    }


def test_the_raw_archive_replays_by_symbol_and_dates(moto: str, tmp_path: Path) -> None:
    first = [encode(make_wire_tick(name, n)) for n in (2, 1) for name in "AB"]
    second = [encode(make_wire_tick("A", n)) for n in (2, 3)]  # archived twice: at least once
    objects = archived(
        {"2026-11-20-15": first, "2026-11-20-16": second, "2026-11-21-00": [b"no json"]}
    )
    s3 = aws.client("s3", moto)
    s3.create_bucket(Bucket="archive")
    for key, body in (objects | {"quarantine/date=2026-11-20/x.json.gz": b"x"}).items():
        s3.put_object(Bucket="archive", Key=key, Body=body)
        (tmp_path / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / key).write_bytes(body)
    for place in ("s3://archive/raw/", str(tmp_path)):
        done = run_producer(
            "replay", place, "--symbols", "A", "--from", "2026-11-20", "--to", "2026-11-20",
            "--sink", "stdout", **aws.variables(moto),
        )  # fmt: skip
        ticks = [json.loads(line) for line in done.stdout.splitlines()]
        assert [tick["timestamp"][17:19] for tick in ticks] == ["01", "02", "03"]
        assert {tick["symbol"] for tick in ticks} == {"A"}
    recording = open_recording(str(tmp_path), [], date(2026, 11, 21), None)
    assert list(recording.ticks()) == []
    assert recording.unreadable.count == 1


def test_an_archive_without_those_days_is_refused(moto: str) -> None:
    aws.client("s3", moto).create_bucket(Bucket="empty")
    for address, message in (("s3://empty/raw/", "no raw archive"), ("s3://none/", "NoSuchBucket")):
        done = run_producer("replay", address, "--sink", "stdout", **aws.variables(moto))
        assert done.returncode == 2
        assert message in done.stderr
