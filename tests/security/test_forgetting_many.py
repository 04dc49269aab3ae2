"""`python -m local forget --seen-from TIME`: a stage that was filled with invented symbols has room
again after one command."""

from __future__ import annotations

import pytest

import commands
from chalicelib.adapters import events
from chalicelib.bootstrap import Services
from chalicelib.domain.errors import Contended
from chalicelib.services.symbol_stores import SymbolEntry
from chalicelib.services.symbols.forgetting_many import Choice, chosen
from commands import target
from rigs.memory_aws.system import SETTINGS, Aws
from tests.factories import NEVER, at, instant, kinesis_event, make_bar, payload, wire

INVENTED = [f"Z{number}" for number in range(12)]


class Stage:
    """A stage over AWS in memory, and what its producers send."""

    def __init__(self) -> None:
        self.aws = Aws()
        self.sent = 0

    def services(self, now: float) -> Services:
        """New containers at a time."""
        return Services(SETTINGS, lambda: instant(now), self.aws)

    def send(self, arrival: float, *symbols: str, ticks: int = 1) -> None:
        """A tick of each symbol, or several."""
        records = [payload(wire(1, n, symbol=name)) for name in symbols for n in range(ticks)]
        batch = events.from_kinesis(kinesis_event(records, self.sent, arrival=arrival))
        self.sent += len(records)
        assert self.services(arrival).ingest(batch, NEVER).failed == frozenset()

    def seen(self) -> list[str]:
        """The symbols on the list."""
        return [line.symbol for line in self.services(0).stores.symbols.listed("seen")]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    """One with a symbol from before, one that came among the invented ones and is tracked, one
    with more prices, and one of whose history a bar is stored."""
    stage = Stage()
    stage.send(100, "AAPL")
    stage.send(200, *INVENTED, "MSFT", "BARS")
    stage.send(200, "MANY", ticks=5)
    stores = stage.services(200).stores
    stores.symbols.put("tracked", SymbolEntry(symbol="MSFT", added_at=at(200)))
    stores.bars.write_history([make_bar(symbol="BARS", interval="1d")], at(200), NEVER)
    stage.send(300, "NVDA")
    monkeypatch.setattr(target, "services", lambda options: stage.services(400))
    return stage


def meant(stage: Stage, choice: Choice) -> list[str]:
    return [line.symbol for line in chosen(stage.services(400).stores, choice)]


def test_symbols_are_chosen_by_when_they_were_first_seen_and_tracked_ones_never(
    stage: Stage,
) -> None:
    others = ["BARS", "MANY"]
    assert meant(stage, Choice(at(200), at(300))) == sorted(INVENTED + others)
    assert meant(stage, Choice(at(200))) == sorted([*INVENTED, *others, "NVDA"])
    assert meant(stage, Choice(until=at(200))) == ["AAPL"]


def test_symbols_are_chosen_by_how_many_prices_and_bars_are_stored(stage: Stage) -> None:
    assert meant(stage, Choice(fewer_than=1)) == []
    assert meant(stage, Choice(at(200), at(300), fewer_than=2)) == sorted(INVENTED)
    assert "MANY" not in meant(stage, Choice(fewer_than=5))
    assert "MANY" in meant(stage, Choice(fewer_than=6))


RANGE = ["--seen-from", at(200), "--seen-to", at(300), "--fewer-than", "2"]


@pytest.mark.parametrize("where", [[], ["--stage", "dev"]])
def test_nothing_is_deleted_without_yes(
    stage: Stage, where: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = stage.seen()
    assert commands.run("forget", [*RANGE, *where]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[:-1] == [f"{name}, first seen {at(200)}" for name in sorted(INVENTED)]
    assert told[-1] == "12 symbols match; nothing was deleted: add --yes to delete them"
    assert stage.seen() == before


@pytest.mark.parametrize("where", [[], ["--stage", "dev"]])
def test_chosen_symbols_are_deleted_and_make_room_in_a_full_stage(
    stage: Stage, where: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.run("forget", [*RANGE, *where, "--yes"]) == 0
    told = capsys.readouterr().out
    assert told == "12 of 12 symbols deleted; the archive keeps all records\n"
    assert stage.seen() == ["AAPL", "BARS", "MANY", "MSFT", "NVDA"]
    stores = stage.services(400).stores
    assert not stores.prices.ticks("Z0", None, None, limit=1).rows
    assert stores.prices.ticks("AAPL", None, None, limit=1).rows


def test_a_symbol_that_cannot_be_deleted_does_not_keep_the_others(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    services = stage.services(400)
    forget = services.forget

    def refusing(symbol: str, deadline: float) -> None:
        if symbol == "Z3":
            raise Contended("Z3: its state is being written")
        forget(symbol, deadline)

    services.__dict__["forget"] = refusing
    monkeypatch.setattr(target, "services", lambda options: services)
    assert commands.run("forget", [*RANGE, "--yes"]) == 1
    told = capsys.readouterr()
    assert told.err == "Z3: its state is being written\n"
    assert told.out == "11 of 12 symbols deleted; the archive keeps all records\n"
    assert [name for name in stage.seen() if name.startswith("Z")] == ["Z3"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "name symbols, or choose by --seen-from, --seen-to or --fewer-than"),
        (["AAPL", "--fewer-than", "2"], "either name symbols or choose them by"),
        (["AAPL", "--yes"], "--yes and --stage need"),
        (["AAPL", "--stage", "dev"], "--yes and --stage need"),
        (["--fewer-than", "0"], "--fewer-than: 0 is not allowed; allowed: 1 and more"),
        (["--seen-from", "yesterday"], "--seen-from: "),
    ],
)
def test_invalid_arguments_are_refused_with_status_two(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.run("forget", arguments) == 2
    assert capsys.readouterr().err.startswith(f"python -m local forget: {told}")
