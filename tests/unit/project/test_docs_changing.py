"""docs/changing.md names files that exist, and its diffs still apply."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs" / "changing.md").read_text()

NAMED = re.compile(r"`([\w.-]+(?:/[\w.-]+)+)`( \(new\))?")


def diffs() -> Iterator[tuple[str, str]]:
    """Yield each line that a diff keeps or removes, with its file."""
    for block in re.findall(r"^```diff\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL):
        file = ""
        for line in block.splitlines():
            if line.startswith("--- "):
                file = line[4:]
            elif line[:1] in (" ", "-"):
                yield file, line[1:]


def test_the_files_that_it_names_exist() -> None:
    named = NAMED.findall(TEXT)
    assert len(named) > 10
    wrong = [name for name, is_new in named if (ROOT / name).exists() == bool(is_new)]
    assert wrong == []


@pytest.mark.parametrize("file", sorted({file for file, _ in diffs()}))
def test_the_lines_that_its_diffs_keep_or_remove_are_in_the_file(file: str) -> None:
    lines = (ROOT / file).read_text().splitlines()
    assert [line for named, line in diffs() if named == file and line not in lines] == []


def test_its_table_lists_each_section() -> None:
    sections = re.findall(r"^## (.+)$", TEXT, re.MULTILINE)
    listed = re.findall(r"^\| \[(.+?)\]\(#", TEXT, re.MULTILINE)
    assert [name.lower() for name in sections] == listed
    assert len(listed) == 10
