"""Names that were replaced do not come back; docs/glossary.md has the ones in use."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FOLDERS = (
    "chalicelib",
    "producer",
    "local",
    "commands",
    "embedded_aws",
    "bench",
    "infra",
    "tools",
    "tests",
)

RETIRED = {
    "Latch": "RuleState",
    "latch": "rule_state",
    "latches": "rule_states",
    "untold": "misread, without_alert",
    "mistakable": "misreadings",
    "Marks": "CompactionState",
    "Arrived": "ArrivalHours",
    "told_split": "reported_split",
    "told_to_end": "on_end_signal",
}
"""Retired names, with what took their place."""

RETIRED_IN_THE_PAGE = {"computeStudies": "computeIndicators", "STUDIES": "indicatorTable"}

SWEPT = (
    "app.py",
    "chalicelib/adapters",
    "chalicelib/api",
    "chalicelib/domain",
    "chalicelib/services",
    "producer",
    "local",
    "commands",
    "embedded_aws",
    "untrusted",
    "frontend/js",
    "frontend/css",
    "infra",
    "rigs",
    "bench",
    "tools",
)
"""Where the phrases below were replaced."""

RETIRED_PHRASES = {
    r"\banew\b": "again",
    r"\b(given|gave|gives?) up on\b": "dead-lettered",
    r"\b[Rr]eckon": "compute, count",
    r"\bstands? in\b": "is in",
    r"\b[Ss]o many\b": "this many, or the number",
    r"\b(is|are|be) looked at\b": "checked, read",
    r"\buntold\b": "misread",
    r"\b[Ww]hoever\b": "the role, the caller",
    r"(?<![Tt]here )\b(is|are) no (?!longer\b|such\b|more\b|other\b)[a-z]": "is not a",
}
"""Retired phrases, with what an engineer writes instead."""

FRAGMENTS = ("As", "How", "Of", "What", "Where", "Whether", "Which", "Who", "Why")
"""First words of docstrings of functions, in place of a verb."""

SUFFIXES = {".py", ".js", ".css", ".tf", ".sh", ".tfvars"}

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


def _swept() -> Iterator[Path]:
    for name in SWEPT:
        place = ROOT / name
        for path in [place] if place.is_file() else place.rglob("*"):
            is_ours = path.suffix in SUFFIXES and ".terraform" not in path.parts
            if is_ours:
                yield path


@pytest.mark.parametrize("phrase", RETIRED_PHRASES)
def test_retired_phrases_do_not_come_back(phrase: str) -> None:
    paths = list(_swept())
    assert len(paths) > 400
    pattern = re.compile(phrase)
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in paths
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


def test_docstrings_of_functions_begin_with_a_verb() -> None:
    functions = (
        (path, node)
        for path in _swept()
        if path.suffix == ".py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    fragments = [
        f"{path.relative_to(ROOT)}: {node.name}: {text}"
        for path, node in functions
        if (text := ast.get_docstring(node)) and text.split()[0] in FRAGMENTS
    ]
    assert fragments == []


def test_names_of_tests_begin_with_their_subject() -> None:
    starts = re.compile(r"def (test_(?:of|what|who|whoever|where)_\w+)")
    found = [
        name for path in (ROOT / "tests").rglob("*.py") for name in starts.findall(path.read_text())
    ]
    assert found == []


def test_the_glossary_is_in_the_index() -> None:
    assert "(glossary.md)" in (ROOT / "docs" / "README.md").read_text()
