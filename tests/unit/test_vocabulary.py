"""Names that were replaced do not come back; docs/glossary.md has the ones in use."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("chalicelib", "producer", "local", "embedded_aws", "bench", "infra", "tools", "tests")

RETIRED = {
    "Latch": "RuleState",
    "latch": "rule_state",
    "latches": "rule_states",
    "untold": "misread, without_alert",
    "mistakable": "misreadings",
    "Marks": "CompactionState",
    "Arrived": "ArrivalHours",
}
"""Retired names, with what took their place."""

RETIRED_IN_THE_PAGE = {"computeStudies": "computeIndicators", "STUDIES": "indicatorTable"}

WORD = re.compile(r"[A-Za-z_]\w*")


def _words(path: Path) -> set[str]:
    return {word.lstrip("_") for word in WORD.findall(path.read_text())}


def _users(name: str, paths: Iterable[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths if name in _words(path)]


@pytest.mark.parametrize("name", RETIRED)
def test_retired_names_do_not_come_back(name: str) -> None:
    written = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    assert len(written) > 500
    assert _users(name, (path for path in written if path != Path(__file__))) == []


@pytest.mark.parametrize("name", RETIRED_IN_THE_PAGE)
def test_retired_names_do_not_come_back_in_the_page(name: str) -> None:
    modules = list((ROOT / "frontend" / "js").rglob("*.js"))
    assert len(modules) > 40
    assert _users(name, modules) == []


def test_the_glossary_is_in_the_index() -> None:
    assert "(glossary.md)" in (ROOT / "docs" / "README.md").read_text()
