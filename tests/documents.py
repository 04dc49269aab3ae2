"""Collects the commands that README and docs show."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md")),
)
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SHELLS = ("", "sh", "bash")
_INDENTED = re.compile(r"(?:^ {4}\S.*\n?)+", re.MULTILINE)
_COMMAND = re.compile(r"(?:make|curl|python3?|\.venv/bin/\S+|npx|aws|docker|sudo|export|eval) ")


@cache
def commands() -> list[tuple[str, str]]:
    """Return the page and the line of every command. Continued lines are joined."""
    return [(page, line) for page in PAGES for line in _commands((ROOT / page).read_text())]


def _commands(text: str) -> list[str]:
    blocks = [block for language, block in _FENCED.findall(text) if language in _SHELLS]
    rest = _FENCED.sub("", text)
    blocks += [re.sub(r"^ {4}", "", block, flags=re.MULTILINE) for block in _INDENTED.findall(rest)]
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line for line in lines if _COMMAND.match(line)]
