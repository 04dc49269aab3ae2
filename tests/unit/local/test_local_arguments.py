"""What `python -m local` accepts and refuses, before anything starts."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands.outcomes import UsageError
from local.arguments import parse
from rigs.ports import free_port

AAPL = Path(__file__).resolve().parents[2] / "data" / "aapl-daily-2015-2017.csv"
ANY_PORTS = ["--api-port", "0", "--page-port", "0"]


def refusal(*arguments: str) -> str:
    with pytest.raises(UsageError) as refused:
        parse([*ANY_PORTS, *arguments])
    message = str(refused.value)
    assert "\n" not in message
    return message


def test_defaults_are_those_of_the_contract() -> None:
    options = parse(ANY_PORTS)
    assert (options.source, options.ingest, options.data) == ("auto", "kinesis", Path("data"))
    assert (options.symbols, options.seconds, options.page) == ((), None, True)


def test_symbols_are_upper_cased_once_each() -> None:
    assert parse([*ANY_PORTS, "--symbols", "aapl, msft,AAPL"]).symbols == ("AAPL", "MSFT")


REPLAY = ("--source", "replay", "--file", str(AAPL))


@pytest.mark.parametrize(
    ("given", "crosses"),
    [([], "bars"), (["--alerts", "every-tick"], "every-tick"), (["--alerts", "bars"], "bars")],
)
def test_any_source_takes_which_crosses_are_sent(given: list[str], crosses: str) -> None:
    assert parse([*ANY_PORTS, "--source", "simulator", *given]).crosses == crosses


@pytest.mark.parametrize(
    ("given", "alerts", "crosses"),
    [
        ([], True, "bars"),
        (["--alerts"], True, "bars"),
        (["--alerts", "every-tick"], True, "every-tick"),
        (["--no-alerts"], False, "bars"),
    ],
)
def test_a_replay_sends_its_alerts_unless_told_not_to(
    given: list[str], alerts: bool, crosses: str
) -> None:
    options = parse([*ANY_PORTS, "--symbols", "AAPL", *REPLAY, *given])
    assert (options.alerts, options.crosses) == (alerts, crosses)


def test_data_none_keeps_nothing() -> None:
    assert parse([*ANY_PORTS, "--data", "none"]).data is None


def test_a_replay_is_taken() -> None:
    options = parse(
        [
            *ANY_PORTS,
            "--source",
            "replay",
            "--file",
            str(AAPL),
            "--symbols",
            "AAPL",
            "--speed",
            "max",
        ]
    )
    assert (options.file, options.speed) == (AAPL, "max")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--nonsense"], "--nonsense"),
        (["--collector", "machine"], "--collector"),
        (["--collector", "lambda", "--source", "yfinance-live"], "auto, yfinance, simulator"),
        (["--source", "alpaca"], "the environment has no APCA_API_KEY_ID"),
        (["--sourc", "none"], "--sourc"),
        (["--source", "nonsense"], "--source"),
        (["--ingest", "carrier-pigeon"], "--ingest"),
        (["--symbols", "A,<script>"], "<script>"),
        (["--symbols", ""], "--symbols"),
        (["--symbols", "A" * 25], "--symbols"),
        (["--source", "replay"], "--file"),
        (["--source", "replay", "--file", "no-such-file.csv"], "no-such-file.csv"),
        (["--file", str(AAPL)], "--file"),
        (["--speed", "2"], "--speed"),
        (["--no-alerts"], "--no-alerts: only with --source replay"),
        (["--alerts"], "others allow --alerts every-tick"),
        (["--alerts", "all"], "--alerts"),
        (["--interval", "soon"], "--interval"),
        (["--seconds", "0"], "--seconds"),
        (["--seconds", "nan"], "--seconds"),
        (["--api-port", "65536"], "65536"),
        (["--api-port", "-1"], "-1"),
        (["surplus"], "surplus"),
    ],
)
def test_invalid_values_are_named(arguments: list[str], named: str) -> None:
    assert named in refusal(*arguments)


def test_a_csv_without_the_needed_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("a,b\n1,2\n")
    assert "bad.csv" in refusal("--source", "replay", "--file", str(path))


def test_an_impossible_speed_is_refused() -> None:
    assert "--speed" in refusal("--source", "replay", "--file", str(AAPL), "--speed", "fast")


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


@pytest.mark.parametrize("flag", ["--api-port", "--page-port", "--aws-port"])
def test_a_port_in_use_is_named_with_its_flag(flag: str, taken_port: int) -> None:
    assert f"{flag} {taken_port}" in refusal(flag, str(taken_port))


def test_a_page_that_is_not_served_needs_no_port(taken_port: int) -> None:
    assert not parse(["--api-port", "0", "--page-port", str(taken_port), "--no-page"]).page


def test_one_port_cannot_serve_two() -> None:
    free = str(free_port())
    assert "the same as" in refusal("--api-port", free, "--aws-port", free)
