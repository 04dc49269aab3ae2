"""AAPL's real prices of two years through the whole local system, as a stranger would run it.

The expected crosses come from exact fractions and from TA-Lib, the bars from the file.
"""

from __future__ import annotations

import csv
import gzip
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import boto3
import numpy as np
import pytest
import talib

from rigs.running_system import ROOT, System, running_system
from tests.oracles import crosses
from tests.patience import PATIENCE_SECONDS

FILE = Path(__file__).parents[1] / "data" / "aapl-daily-2015-2017.csv"
REPLAY = ("replay", str(FILE), "--symbols", "AAPL", "--speed", "max", "--alerts")
EVERYTHING = "start=2015-01-01&end=2017-12-31"
ROWS = 506
Answer = TypeVar("Answer")


def eventually(ask: Callable[[], Answer], good: Callable[[Answer], bool]) -> Answer:
    """Ask until the answer is good; the last answer if it never is."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not good(answer := ask()) and time.monotonic() < end:
        time.sleep(0.5)
    return answer


def client(system: System, service: str) -> Any:
    """A client of the system's emulated AWS."""
    return boto3.client(
        service,
        endpoint_url=system.aws,
        region_name="us-east-1",
        aws_access_key_id=system.keys.access_key,
        aws_secret_access_key=system.keys.secret_key,
        verify=False,
    )


def subscribe_queue(system: System) -> str:
    """A queue that gets every message of the topic; its address."""
    sqs, sns = client(system, "sqs"), client(system, "sns")
    url = str(sqs.create_queue(QueueName="listener")["QueueUrl"])
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    topic = sns.list_topics()["Topics"][0]["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"])
    return url


def messages(system: System, url: str) -> list[dict[str, Any]]:
    """All messages that the queue has got, decoded."""
    sqs = client(system, "sqs")
    found: list[dict[str, Any]] = []
    while batch := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        found += [json.loads(json.loads(message["Body"])["Message"]) for message in batch]
    return found


class Job:
    """The finished job: the system, and what its topic sent."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.sent: list[dict[str, Any]] = []

    def ticks(self) -> list[dict[str, Any]]:
        """All rows of interval=tick."""
        return self.rows("interval=tick")

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Rows of a query over everything."""
        path = f"/prices/AAPL?{query}&limit=5000&{EVERYTHING}"
        rows: list[dict[str, Any]] = self.system.get(path)["prices"]
        return rows

    def alerts(self) -> list[dict[str, Any]]:
        """All alerts, by time."""
        found: list[dict[str, Any]] = self.system.get(
            f"/alerts?symbol=AAPL&limit=1000&{EVERYTHING}"
        )["alerts"]
        return found


def _all_sent(alerts: list[dict[str, Any]]) -> bool:
    return len(alerts) >= 37 and all(alert["notified_at"] for alert in alerts)


def produce(system: System) -> None:
    """Replay the file into the system's stream, once the topic has its listener."""
    stream = client(system, "kinesis").list_streams()["StreamNames"][0]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")} | {
        "AWS_ENDPOINT_URL": system.aws,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": system.keys.access_key,
        "AWS_SECRET_ACCESS_KEY": system.keys.secret_key,
    }
    command = [sys.executable, "-m", "producer", *REPLAY, "--stream", stream]
    subprocess.run(command, check=True, env=environment, cwd=ROOT, timeout=PATIENCE_SECONDS)


@pytest.fixture(scope="module")
def job() -> Iterator[Job]:
    """The job, done."""
    with running_system("--source", "none", "--alerts", "every-tick") as system:
        job = Job(system)
        url = subscribe_queue(system)
        produce(system)
        eventually(job.alerts, _all_sent)
        job.sent = messages(system, url)
        yield job


def file_rows() -> list[dict[str, str]]:
    """The file, as the csv module reads it."""
    with FILE.open() as lines:
        return list(csv.DictReader(lines))


def test_every_row_is_a_tick_in_order(job: Job) -> None:
    ticks = job.ticks()
    assert [tick["price"] for tick in ticks] == [float(row["close"]) for row in file_rows()]
    stamps = [tick["timestamp"] for tick in ticks]
    assert stamps == sorted(set(stamps))
    assert len(stamps) == ROWS


def test_daily_bars_are_the_files_rows(job: Job) -> None:
    names = ("open", "high", "low", "close", "volume")
    got = [
        (bar["timestamp"][:10], *(bar[name] for name in names)) for bar in job.rows("interval=1d")
    ]
    want = [(row["date"], *(float(row[name]) for name in names)) for row in file_rows()]
    assert got == want


def test_raw_archive_holds_each_record(job: Job) -> None:
    s3 = client(job.system, "s3")
    bucket = next(b["Name"] for b in s3.list_buckets()["Buckets"] if "archive" in b["Name"])
    listed = s3.list_objects_v2(Bucket=bucket, Prefix="raw/")["Contents"]
    lines: set[bytes] = set()
    for entry in listed:
        body = s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
        lines |= set(gzip.decompress(body).splitlines())
    assert len(lines) == ROWS
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket, Prefix="quarantine/")


def test_crosses_are_those_of_exact_fractions(job: Job) -> None:
    rows = file_rows()
    want = [
        (rows[cross.position]["date"], cross.kind)
        for cross in crosses.crosses([row["close"] for row in rows], 5, 20)
    ]
    got = [
        (alert["timestamp"][:10], alert["condition"])
        for alert in job.alerts()
        if alert["condition"].endswith("_cross")
    ]
    assert got == want
    kinds = [condition for _, condition in got]
    assert (kinds.count("golden_cross"), kinds.count("death_cross")) == (15, 14)
    assert all(first != second for first, second in itertools.pairwise(kinds))
    assert (got[0][0], got[-1][0]) == ("2015-03-23", "2016-12-08")


def test_crosses_are_those_of_talib(job: Job) -> None:
    rows = file_rows()
    closes = np.array([float(row["close"]) for row in rows])
    sides = np.sign(talib.SMA(closes, 5) - talib.SMA(closes, 20))
    flips = [i for i in range(20, ROWS) if sides[i] != sides[i - 1]]
    got = [a["timestamp"][:10] for a in job.alerts() if a["condition"].endswith("_cross")]
    assert got == [rows[i]["date"] for i in flips]


def test_moves_above_five_percent_are_found(job: Job) -> None:
    rows = file_rows()
    want = [rows[i]["date"] for i in crosses.moves_above([row["close"] for row in rows], 5)]
    got = [a["timestamp"][:10] for a in job.alerts() if a["condition"] == "change_percent"]
    assert got == want
    assert len(want) == 8


def test_topic_sends_each_alert_once(job: Job) -> None:
    assert sorted(message["alert_id"] for message in job.sent) == sorted(
        alert["alert_id"] for alert in job.alerts()
    )
