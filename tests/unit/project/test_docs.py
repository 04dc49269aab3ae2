"""The documents' claims about the code."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from chalicelib.event_sources import EVENT_SOURCES
from chalicelib.settings import Settings, SettingsError, load

ROOT = Path(__file__).resolve().parents[3]
NEEDED = {field.name: "x" for field in msgspec.structs.fields(Settings) if field.required}


def test_every_setting_is_documented() -> None:
    documented = set(re.findall(r"[A-Z][A-Z0-9_]{2,}", (ROOT / "docs/settings.md").read_text()))
    assert {field.name.upper() for field in msgspec.structs.fields(Settings)} <= documented


def test_documents_name_only_files_that_are_there() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
        assert [link for link in links if not (page.parent / link).exists()] == [], page.name


def test_commands_to_copy_name_the_interpreter_that_has_the_packages() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        blocks = page.read_text().split("```")[1::2]
        lines = [line.strip() for block in blocks for line in block.splitlines()]
        bare = [line for line in lines if re.match(r"python -m \w+ [^─]", line)]
        assert bare == [], page.name


def test_missing_settings_are_all_named() -> None:
    with pytest.raises(SettingsError, match=r"ALERTS_TABLE, ALERTS_TOPIC_ARN.*PRICES_TABLE"):
        load({})


def test_malformed_setting_is_named() -> None:
    with pytest.raises(SettingsError, match="sma_fast"):
        load({name.upper(): value for name, value in NEEDED.items()} | {"SMA_FAST": "five"})


def test_read_access_is_open_or_closed() -> None:
    given = {name.upper(): value for name, value in NEEDED.items()}
    with pytest.raises(SettingsError, match="READ_ACCESS is 'ajar'; allowed: open, closed"):
        load(given | {"READ_ACCESS": "ajar"})


def test_event_sources_are_named_by_their_handlers() -> None:
    assert set(EVENT_SOURCES) == {
        "ingest_kinesis",
        "ingest_sqs",
        "detect",
        "deliver",
        "push",
        "redeliver",
    }


def test_every_threat_names_a_test_that_is_there() -> None:
    text = (ROOT / "docs/security.md").read_text()
    boundaries = text.partition("## Boundaries")[2].partition("\n## ")[0]
    names = re.findall(r"^### (.+)$", boundaries, re.M)
    rows = [line for line in boundaries.splitlines() if re.match(r"\| (?!who \|)", line)]
    assert len(names) == 7
    assert len(rows) > 30
    for row in rows:
        who, could, stops, shown = (cell.strip() for cell in row.strip()[1:-1].split("|"))
        assert could, row
        assert stops, row
        tests = shown.split(", ")
        assert [one for one in tests if not (ROOT / one).is_file()] == [], (who, could)
