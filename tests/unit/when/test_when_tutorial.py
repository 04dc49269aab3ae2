"""The tutorial in docs/conditions.md: from a cross to a rule of four parts."""

from __future__ import annotations

import re
from pathlib import Path

from chalicelib.domain.rules import parse_rule
from chalicelib.domain.when.nodes import Group
from chalicelib.domain.when.reading import tree_of
from tests.unit.domain.watched import Watched
from tests.unit.when.a_session import at, days, preview, rule, with_history

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "conditions.md").read_text()
TUTORIAL = PAGE.partition("## From a cross to four parts")[2].partition("\n## ")[0]
INTERVALS = ("1d", "tick", "tick", "5m", "5m")


def formulas() -> list[str]:
    """Return the formulas in order: blocks of indented lines."""
    blocks = re.findall(r"(?:^    .+\n)+", TUTORIAL, re.MULTILINE)
    return [" ".join(block.split()) for block in blocks]


def test_each_step_of_the_tutorial_is_a_rule_with_one_part_more() -> None:
    parts = []
    for when, interval in zip(formulas(), INTERVALS, strict=True):
        assert f"`{interval}`" in TUTORIAL
        parse_rule({"symbol": "AAPL", "interval": interval, "when": when}, "r1")
        tree = tree_of(when)
        parts.append(len(tree.of) if isinstance(tree, Group) else 1)
    assert parts == [1, 1, 2, 3, 4]


def test_the_first_steps_of_the_tutorial_fire_when_the_average_is_crossed() -> None:
    watched = Watched()
    with_history(watched, days(60))
    watched.feed([at(0, 99), at(1, 99), at(2, 101), at(1440 * 3, 101)])
    on_days, on_ticks = (
        rule(when, interval) for when, interval in list(zip(formulas(), INTERVALS, strict=True))[:2]
    )
    assert [one.timestamp[:10] for one in preview(watched, on_days).alerts] == ["2026-11-20"]
    assert [one.timestamp[11:16] for one in preview(watched, on_ticks).alerts] == ["14:32"]
