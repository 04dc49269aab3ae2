"""Updates the lists in the documents: contents of long pages, and the index of decisions.

    python -m tools.contents            # write them
    python -m tools.contents --check    # name the pages whose lists are out of date, status 1

A page with more than LONG words lists its second-level headings below its introduction, between two
comments; the index of decisions lists the title of each record.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

LONG = 1200
"""The most words of a page that needs no list of contents."""

DOCS = Path(__file__).resolve().parents[1] / "docs"
_BEGIN, _END = "<!-- contents -->", "<!-- end of contents -->"
_LIST = re.compile(rf"{_BEGIN}\n.*?{_END}\n\n?", re.DOTALL)


def anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    plain = re.sub(r"[^\w\- ]", "", heading.lower())
    return plain.replace(" ", "-")


def headings(text: str) -> list[str]:
    """Return the second-level headings of a page, without those in code blocks."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^## (.+)$", prose, re.MULTILINE)


def with_contents(text: str) -> str:
    """Return a page with a list of contents above its first heading; a short page has no list."""
    bare = _LIST.sub("", text)
    found = headings(bare)
    if len(bare.split()) <= LONG or not found:
        return bare
    lines = "\n".join(f"- [{heading}](#{anchor(heading)})" for heading in found)
    before, first, rest = bare.partition(f"\n## {found[0]}\n")
    return f"{before}\n{_BEGIN}\n{lines}\n{_END}\n{first}{rest}"


def decisions(records: Sequence[tuple[str, str]]) -> str:
    """Return the index of decisions, newest first. `records` holds file names and texts."""
    lines = []
    for name, text in sorted(records, reverse=True):
        number, _, title = text.partition("\n")[0].removeprefix("# ").partition(". ")
        lines.append(f"| {number} | [{title}]({name}) |")
    head = "# Decisions\n\nWhat the code alone does not tell: context, decision, consequences.\n\n"
    return head + "| number | decision |\n|---|---|\n" + "\n".join(lines) + "\n"


def outdated(docs: Path) -> dict[Path, str]:
    """Return the corrected texts of the pages whose lists are out of date."""
    folder = docs / "decisions"
    records = [(path.name, path.read_text()) for path in folder.glob("[0-9]*.md")]
    wanted = {path: with_contents(path.read_text()) for path in sorted(docs.glob("*.md"))}
    wanted[folder / "README.md"] = decisions(records)
    return {
        path: text for path, text in wanted.items() if not path.exists() or path.read_text() != text
    }


def main(arguments: Sequence[str]) -> int:
    """Write the lists, or with `--check` print the outdated pages. Return the exit status."""
    found = outdated(DOCS)
    for path, text in found.items():
        if "--check" in arguments:
            print(f"{path.relative_to(DOCS.parent)}: run `.venv/bin/python -m tools.contents`")
        else:
            path.write_text(text)
    return int("--check" in arguments and bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
