"""How `python -m bench` runs, stores and compares; the benchmarks themselves are run manually."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench import __main__ as bench_main
from bench import running, tables
from bench.running import Ran

GOOD = {"name": "a", "value": 2.0, "unit": "ms", "ratio": 3.0, "target": "< 1", "holds": False}


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the results' folder, with two benchmarks of which the second cannot run."""
    ran = {"one": Ran([GOOD]), "two": Ran([], "Error: Chromium is not there")}
    monkeypatch.setattr(bench_main, "benchmarks", lambda: list(ran))
    monkeypatch.setattr(bench_main, "run_one", lambda name, _seconds: ran[name])
    path = tmp_path / "results" / "latest.json"
    monkeypatch.setattr(bench_main, "keep", lambda results: tables.keep(results, path))
    return path


def test_results_are_a_list_with_all_fields(kept: Path) -> None:
    assert bench_main.main(["one"]) == 0
    (result,) = json.loads(kept.read_text())
    assert set(tables.FIELDS) <= set(result)
    assert (result["name"], result["baseline"], result["holds"]) == ("a", None, False)


def test_a_failed_benchmark_is_named_with_its_reason_and_stops_no_other(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench_main.main([]) == 1
    said = capsys.readouterr().out
    assert "could not run two: Error: Chromium is not there" in said
    assert "a: 2.0 ms, ratio 3.0; target < 1" in said
    assert len(json.loads(kept.read_text())) == 1


def test_an_earlier_run_stands_beside(
    kept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tables.keep([{**GOOD, "value": 1.0}], tmp_path / "before.json")
    assert bench_main.main(["one", "--compare", str(before)]) == 0
    assert "1.0 (+100%)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["three"], "unknown: three; known: one, two"),
        (["--skip", "four"], "unknown: four"),
        (["--compare", "/nowhere.json"], "no results of an earlier run"),
    ],
)
@pytest.mark.usefixtures("kept")
def test_invalid_requests_are_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench_main.main(arguments) == 2
    assert said in capsys.readouterr().err


@pytest.mark.usefixtures("kept")
def test_one_can_be_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench_main.main(["--skip", "two"]) == 0
    assert "could not run" not in capsys.readouterr().out


def test_all_benchmarks_of_the_folder_are_found() -> None:
    assert {"ingest_cpu", "detect_cpu", "api_cpu", "start", "memory", "page"} <= set(
        running.benchmarks()
    )


def test_a_benchmark_that_raises_is_a_failure_with_its_error() -> None:
    ran: Any = running.run_one("no_such_module", 60)
    assert ran.results == []
    assert "No module named 'bench.no_such_module'" in ran.failure


def test_the_reason_is_the_errors_line() -> None:
    said = "Traceback\n  File x\nplaywright.Error: no browser\n+-----+\n| install it |\n+-----+\n"
    assert running.reason(said) == "playwright.Error: no browser"
    assert running.reason("") == ""
