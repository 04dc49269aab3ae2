"""Every command in README and docs can be pasted into a shell as it stands, and parses.

Those that need a running system are run on one by tests/e2e/test_api_running.py.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import cost
from bench.running import benchmarks
from commands import COMMANDS
from local import arguments as local_arguments
from producer import arguments as producer_arguments
from tests.documents import PAGES, commands

ROOT = Path(__file__).resolve().parents[3]
MAKEFILES = "".join((ROOT / name).read_text() for name in ("Makefile", "infra/deploy.mk"))
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILES, re.MULTILINE))
PYTHON = ".venv/bin/python"


def _local(words: list[str]) -> None:
    if words and words[0] in COMMANDS:
        return
    local_arguments.parse(words)


def _producer(words: list[str]) -> None:
    producer_arguments.parsers()[0].parse_args(words)


def _bench(words: list[str]) -> None:
    named = [word for word in words if not word.startswith("--")]
    assert not named or set(named) <= set(benchmarks()), words


def _cost(words: list[str]) -> None:
    if "--help" not in words:
        cost._parser().parse_args(words)


MODULES: dict[str, Callable[[list[str]], None]] = {
    "local": _local,
    "producer": _producer,
    "bench": _bench,
    "bench.cost": _cost,
}


def _make(words: list[str]) -> None:
    target, *settings = words
    assert target in TARGETS, f"there is no target {target}"
    given = dict(word.split("=", 1) for word in settings)
    if target == "run":
        _local(shlex.split(given.get("ARGS", "")))


@pytest.fixture(autouse=True)
def readers_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The project's folder as a reader has it who owns the files that the examples name."""
    days = "date,open,high,low,close,volume\n2026-11-19,1,2,1,2,10\n2026-11-20,2,3,1,2,10\n"
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    for name in ("AAPL.csv", "days.csv", "prices/MSFT.csv", "minutes/MSFT.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(days)
    (tmp_path / "sp500.csv").write_text("symbol,date,close\nAAPL,2026-11-19,1\nMSFT,2026-11-19,2\n")
    monkeypatch.chdir(tmp_path)


def test_the_pages_have_commands() -> None:
    assert len(commands()) > 50
    assert {page for page, _ in commands()} > {"README.md", "docs/producer.md", "docs/local.md"}


@pytest.mark.parametrize(("page", "line"), commands(), ids=lambda text: str(text)[:70])
def test_a_pasted_line_is_a_command_that_parses(page: str, line: str) -> None:
    words = shlex.split(line, comments=True)
    if words[0] == "make":
        _make(words[1:])
    elif words[:2] == [PYTHON, "-m"]:
        check = MODULES.get(words[2])
        if check is not None:
            check(words[3:])
    else:
        assert words[0] not in ("python", "python3"), f"{page}: the venv's Python is {PYTHON}"


@pytest.mark.parametrize("page", PAGES)
def test_a_token_comes_with_where_it_is_from(page: str) -> None:
    text = (ROOT / page).read_text()
    if "$TOKEN" in text:
        assert re.search(r"(prints?|make token|Write token|export TOKEN)", text), page
