"""`--history`: which command the producer gets, and what is refused before anything starts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from commands.outcomes import UsageError
from local.arguments import parse
from local.chain import Chain
from local.producing import commands

ANY_PORTS = ["--api-port", "0", "--page-port", "0"]
STREAM = {"TICKS_STREAM": "ticks", "TICKS_QUEUE_URL": "queue"}


def written(folder: Path, name: str = "AAPL.csv") -> Path:
    path = folder / name
    path.write_text("Date,Open,High,Low,Close\n2024-01-02,1,2,1,2\n2024-01-03,2,3,2,3\n")
    return path


def made(*arguments: str) -> list[list[str]]:
    return [command.arguments for command in commands(parse([*ANY_PORTS, *arguments]), STREAM)]


def label(command: list[str]) -> str | None:
    return command[command.index("--as-source") + 1] if "--as-source" in command else None


def test_history_comes_before_the_source(tmp_path: Path) -> None:
    path = written(tmp_path)
    history, source = made("--history", str(path), "--source", "yfinance")
    assert history[:3] == ["backfill", "--file", str(path)]
    assert history[-2:] == ["--stream", "ticks"]
    assert source[:3] == ["stream", "--source", "yfinance"]


def test_a_file_named_as_a_flag_stays_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, "--spool=x.csv")
    monkeypatch.chdir(tmp_path)
    named = "./--spool=x.csv"
    (history,) = made("--history", named, "--symbols", "AAPL", "--source", "none")
    assert history[:3] == ["backfill", "--file", named]
    (replay,) = made("--source", "replay", "--file", named, "--symbols", "AAPL")
    assert replay[:2] == ["replay", named]


def test_history_may_be_given_several_times_and_stand_alone(tmp_path: Path) -> None:
    one, two = written(tmp_path), written(tmp_path, "MSFT.csv")
    (history,) = made("--history", str(one), "--history", str(two), "--source", "none")
    assert history[:4] == ["backfill", "--file", str(one), str(two)]
    assert label(history) is None


@pytest.mark.parametrize(
    ("arguments", "source"),
    [
        (["--symbols", "AAPL,MSFT"], "yfinance=AAPL,MSFT"),
        (["--symbols", "tracked"], "yfinance"),
        ([], "yfinance"),  # which follows tracked symbols beside its own
        (["--source", "yfinance-live", "--symbols", "AAPL"], "yfinance=AAPL"),
        (["--source", "coinbase", "--symbols", "BTC-USD"], "coinbase=BTC-USD"),
        (["--source", "binance"], "binance"),
        (["--as-source", "mine"], "mine"),
        (["--source", "simulator"], None),
        (["--source", "none"], None),
    ],
)
def test_history_bears_the_name_of_the_source_that_goes_on(
    tmp_path: Path, arguments: list[str], source: str | None
) -> None:
    assert label(made("--history", str(written(tmp_path)), *arguments)[0]) == source


def test_a_file_that_names_no_symbol_is_that_of_the_one_followed(tmp_path: Path) -> None:
    nameless = str(written(tmp_path, "days.csv"))
    history, _ = made("--history", nameless, "--symbols", "AAPL")
    assert history[history.index("--symbols") + 1] == "AAPL"
    named, _ = made("--history", str(written(tmp_path)), "--symbols", "MSFT")
    assert "--symbols" not in named


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("none", [], "there is no such file"),
        ("days.csv", [], "exactly one symbol is needed"),
        ("AAPL.csv", ["--source", "simulator", "--symbols", "AAPL"], "the simulator would"),
        ("AAPL.csv", ["--as", "candles"], "--as"),
        ("AAPL.csv", ["--timezone", "Mars"], "a zone of the IANA database"),
    ],
)
def test_files_that_cannot_be_history_are_refused_in_one_line(
    tmp_path: Path, name: str, arguments: list[str], message: str
) -> None:
    for file in ("AAPL.csv", "days.csv"):
        written(tmp_path, file)
    with pytest.raises(UsageError) as refused:
        parse([*ANY_PORTS, "--history", str(tmp_path / name), *arguments])
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


class Fake:
    """A producer that ends on request."""

    def __init__(self, ended: Callable[[int], None]) -> None:
        self.ended = ended
        self.stopped = False

    def stop(self) -> None:
        self.stopped = True

    def forget(self) -> None:
        pass


def chain(count: int) -> tuple[Chain, list[Fake], list[int]]:
    started: list[Fake] = []
    told: list[int] = []

    def start(ended: Callable[[int], None]) -> Fake:
        started.append(Fake(ended))
        return started[-1]

    def failing(how: str, seconds: float) -> None:
        raise AssertionError(how)

    return Chain([start] * count, failing=failing, ended=told.append), started, told


def test_the_next_producer_starts_when_the_one_before_has_ended() -> None:
    producers, started, told = chain(2)
    producers.start()
    assert len(started) == 1
    started[0].ended(0)
    assert len(started) == 2
    assert told == []
    started[1].ended(0)
    assert told == [0]


def test_an_invalid_producer_is_reported_and_none_follows() -> None:
    producers, started, told = chain(2)
    producers.start()
    started[0].ended(2)
    assert (len(started), told) == (1, [2])


def test_none_is_started_any_more_once_all_stops() -> None:
    producers, started, _ = chain(2)
    producers.start()
    producers.stop()
    assert started[0].stopped
    started[0].ended(0)
    assert len(started) == 1
