"""The TOML file beside the flags."""

from __future__ import annotations

from pathlib import Path

import pytest

from producer.arguments import parse
from producer.errors import UsageError


def written(folder: Path, text: str) -> str:
    path = folder / "producer.toml"
    path.write_text(text)
    return str(path)


def test_a_file_gives_defaults_and_flags_win(tmp_path: Path) -> None:
    text = 'symbols = ["aapl", "MSFT"]\ninterval = 30\nticks-per-record = 5\nignore_hours = true\n'
    path = written(tmp_path, text)
    options = parse(["stream", "--config", path, "--interval", "60"])
    assert (options.symbols, options.interval, options.ticks_per_record, options.ignore_hours) == (
        "aapl,MSFT",
        60,
        5,
        True,
    )


def test_without_a_file_nothing_changes() -> None:
    options = parse(["stream"])
    assert (options.source, options.sink, options.interval) == ("auto", "kinesis", None)


def test_the_file_that_is_shipped_is_taken() -> None:
    options = parse(["stream", "--config", "producer/deploy/producer.toml"])
    assert (options.source, options.stream) == ("yfinance", "ticktape-dev-ticks")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour = 1", "'colour' is not a setting; allowed: drain, "),
        ("interval = 0", "interval: '0' is not allowed; allowed: 0.05 to 86400 seconds"),
        ('source = "nonsense"', "source: 'nonsense' is not allowed; allowed: auto, yfinance"),
        ('ignore-hours = "yes"', "ignore-hours is 'yes'; allowed: true, false"),
        ("interval = ", "Invalid value"),
    ],
)
def test_errors_in_a_file_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UsageError) as refused:
        parse(["stream", "--config", path])
    assert path in str(refused.value)
    assert message in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--config: .*none\.toml: No such file"):
        parse(["stream", "--config", str(tmp_path / "none.toml")])


def test_files_may_be_a_list(tmp_path: Path) -> None:
    path = written(tmp_path, 'file = ["a.csv", "b"]\nday_first = true\nas_source = "yfinance"\n')
    options = parse(["backfill", "--config", path])
    assert (options.file, options.day_first) == ([Path("a.csv"), Path("b")], True)
    assert options.as_source.source == "yfinance"


@pytest.mark.parametrize("given", ["replay=", "=AAPL", ".x", "a b", "x" * 65])
def test_a_name_that_no_source_can_have_is_refused(given: str) -> None:
    with pytest.raises(UsageError, match=r"--as-source: .* allowed: a name of 1 to 64"):
        parse(["backfill", "--file", "a.csv", "--as-source", given])
