"""docs/producer.md names every flag, reason, event and field that there is."""

from __future__ import annotations

import argparse
import re

import pytest

from producer import arguments
from producer.reporting import summary
from producer.status import Status
from tests.producer_support.doubles import ROOT

TEXT = (ROOT / "docs" / "producer.md").read_text()
SOURCE = "\n".join(path.read_text() for path in (ROOT / "producer").rglob("*.py"))


def flags() -> list[str]:
    _, commands = arguments.parsers()
    found = {
        flag
        for command in commands.values()
        for action in command._actions
        if not isinstance(action, argparse._HelpAction)
        for flag in action.option_strings
    }
    return sorted(found)


@pytest.mark.parametrize("flag", flags())
def test_every_flag_is_described(flag: str) -> None:
    assert flag in TEXT


@pytest.mark.parametrize("name", arguments.SOURCES + arguments.SINKS)
def test_every_source_and_sink_is_described(name: str) -> None:
    assert f"`{name}`" in TEXT


@pytest.mark.parametrize("field", summary(Status(lambda _event, _message: None)))
def test_every_field_of_the_status_is_described(field: str) -> None:
    assert f"`{field}`" in TEXT


@pytest.mark.parametrize("state", sorted(set(re.findall(r'\.say\(\s*f?"([^"{]+)', SOURCE))))
def test_every_state_is_described(state: str) -> None:
    assert f"`{state.strip()}" in TEXT


def test_every_reason_of_hygiene_is_described() -> None:
    hygiene = (ROOT / "producer" / "hygiene.py").read_text()
    reasons = set(re.findall(r'return "([^"]+)"|_drop\("([^"]+)"\)', hygiene))
    found = {first or second for first, second in reasons}
    assert len(found) == 6
    assert all(f"`{reason}`" in TEXT for reason in found)
