"""`python -m local mutes` over tables in memory."""

from __future__ import annotations

import re

import pytest

import commands
from commands import mutes_command, target
from rigs.memory_aws.system import Aws
from rigs.memory_aws.transport import Transport

ENVIRONMENT = {"RULES_TABLE": "rules", "STATE_TABLE": "state"}


@pytest.fixture
def transport() -> Transport:
    return Transport(Aws())


@pytest.fixture(autouse=True)
def _system(monkeypatch: pytest.MonkeyPatch, transport: Transport) -> None:
    """The system that the command finds."""
    monkeypatch.setattr(target, "find_running", lambda _: {"environment": ENVIRONMENT})
    monkeypatch.setattr(target, "connect", lambda _: lambda service: getattr(transport, service))


def run(*arguments: str) -> int:
    return commands.run("mutes", list(arguments))


def test_mutes_are_added_listed_and_removed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("add", "--symbol", "AAPL", "--until", "until_open", "--name", "earnings") == 0
    assert run("add", "--rule", "r1", "--until", "until_open", "--open-of", "AAPL") == 0
    assert run("add", "--each", "sat,sun", "--timezone", "America/New_York") == 0
    assert run("add", "--each", "fri", "--between", "12:00-13:00") == 0
    added = capsys.readouterr().out
    shown = [line.split("  ", 1)[1] for line in added.splitlines()]
    assert re.fullmatch(r"AAPL  until \S+Z  earnings", shown[0])
    assert re.fullmatch(r"the rule r1  until \S+Z", shown[1])
    assert shown[2:] == [
        "everything  sat,sun 00:00-00:00 America/New_York",
        "everything  fri 12:00-13:00 UTC",
    ]
    assert run("list") == 0
    assert capsys.readouterr().out == added
    mute_id = added.split()[0]
    assert run("remove", mute_id) == 0
    assert run("remove", mute_id) == 1
    assert "there is no mute" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--until", "tomorrow"], "until"),
        (["--until", "until_open"], "open_of"),
        (["--each", "someday"], "recurring.days"),
        (["--each", "fri", "--between", "noon"], "recurring.start"),
    ],
)
def test_a_refusal_ends_with_status_2_and_names_the_field(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("add", *arguments) == 2
    assert told in capsys.readouterr().err


def test_a_start_says_how_many_stored_mutes_hold_alerts_back(transport: Transport) -> None:
    def said() -> str | None:
        return mutes_command.kept(transport.dynamodb, ENVIRONMENT)

    assert said() is None
    run("add", "--symbol", "AAPL", "--until", "until_open")
    assert said() == "1 stored mute holds alerts back: python -m local mutes list"
    run("add", "--each", "sat,sun")
    assert said() == "2 stored mutes hold alerts back: python -m local mutes list"
