"""The documents are found: an index that links every page, contents of long pages."""

from __future__ import annotations

import re

from tools.contents import DOCS, anchor, decisions, outdated, with_contents

WORDS = "word " * 1200


def test_the_index_links_every_page() -> None:
    linked = set(re.findall(r"\]\(([\w/.-]+\.md)", (DOCS / "README.md").read_text()))
    pages = {path.name for path in DOCS.glob("*.md")} - {"README.md"}
    assert pages <= linked
    assert "decisions/README.md" in linked


def test_lists_in_the_documents_are_up_to_date() -> None:
    assert sorted(outdated(DOCS)) == [], "run .venv/bin/python -m tools.contents"


def test_links_to_headings_lead_to_one() -> None:
    for page in [DOCS.parent / "README.md", *DOCS.glob("*.md")]:
        for target, fragment in re.findall(r"\]\(([\w/.-]*)#([^)]+)\)", page.read_text()):
            text = ((page.parent / target) if target else page).read_text()
            anchors = {anchor(title) for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
            assert fragment in anchors, (page.name, target, fragment)


def test_a_long_page_lists_its_headings_above_the_first() -> None:
    page = f"# T\n\nFirst.\n\n## A `b`, c\n\n{WORDS}\n```\n## no heading\n```\n\n## D\n\nEnd.\n"
    listed = with_contents(page)
    assert listed.startswith(
        "# T\n\nFirst.\n\n<!-- contents -->\n- [A `b`, c](#a-b-c)\n- [D](#d)\n"
        "<!-- end of contents -->\n\n## A `b`, c\n"
    )
    assert with_contents(listed) == listed
    assert with_contents(listed.replace(WORDS, "few")) == page.replace(WORDS, "few")


def test_decisions_are_listed_by_number() -> None:
    records = [("0002-b.md", "# 2. Second\n\nText."), ("0010-c.md", "# 10. Tenth: a. b\n")]
    assert decisions(records).splitlines()[-2:] == [
        "| 10 | [Tenth: a. b](0010-c.md) |",
        "| 2 | [Second](0002-b.md) |",
    ]
