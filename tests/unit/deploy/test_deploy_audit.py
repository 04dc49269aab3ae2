"""Which packages are asked about, and what is made of the answer."""

from __future__ import annotations

import json

import pytest

from tools import audit


def test_pins_are_read_with_extras_and_markers() -> None:
    lines = ["# why", "moto[server,all]==5.2.5", "tzdata==2026.6 ; python_version > '3'", "-r x.in"]
    assert audit.pins(lines) == {("moto", "5.2.5"), ("tzdata", "2026.6")}


def test_all_that_lambda_runs_is_asked_about() -> None:
    lines = (audit.ROOT / "requirements.txt").read_text().splitlines()
    assert len(audit.pins(lines)) == len([line for line in lines if "==" in line])


def test_question_names_each_package_and_version() -> None:
    queries = json.loads(audit.question([("moto", "5.2.5")]))["queries"]
    assert queries == [{"package": {"name": "moto", "ecosystem": "PyPI"}, "version": "5.2.5"}]


def test_answer_is_read_by_position() -> None:
    answer = {"results": [{}, {"vulns": [{"id": "PYSEC-1"}, {"id": "GHSA-2"}]}]}
    pinned = [("a", "1"), ("b", "2")]
    assert audit.vulnerable(pinned, answer) == ["b 2: PYSEC-1, GHSA-2"]


def test_service_that_does_not_answer_is_said_and_nothing_claimed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit, "SERVICE", "http://127.0.0.1:9/v1")
    monkeypatch.setattr(audit.ask, "__defaults__", ("http://127.0.0.1:9/v1",))
    assert audit.main() == 0
    assert "skipped" in capsys.readouterr().err
