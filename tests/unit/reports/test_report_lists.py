"""The estimate of a report's LIST requests, by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from chalicelib.services.reports.costs import requests_usd
from chalicelib.services.reports.files import find_report
from chalicelib.services.reports.lists import KEPT, LakeState, ReportLists, lists

TODAY = date(2026, 11, 22)
NEW = LakeState("2026-11-13")
DAYS = frozenset(f"2026-11-{day}" for day in range(13, 21))
OLD = LakeState("2024-01-01", "2026-11-20", ("2026-09",), DAYS | {"2026-09-01"}, 3)
PRICES = "SELECT 1 FROM all_prices"
TICKS = "SELECT 1 FROM all_ticks"
LINES = "SELECT 1 FROM raw_lines"


@pytest.mark.parametrize(
    ("statement", "values", "state", "found"),
    [
        (TICKS, {}, NEW, 3 * 24 * 10),  # lines once and readings twice, of ten days
        (PRICES, {}, NEW, 2 * 3 * 24 * 10),
        (TICKS, {}, OLD, 3 * 24 * 3 + 8 + 1),  # from the boundary on, and eight days and a month
        (PRICES, {}, OLD, 2 * 3 * 24 * 3 + 8 + 1 + 3),
        (TICKS, {"start": "2026-11-18", "end": "2026-11-20"}, OLD, 3 * 24 * 3 + 2 + 1),
        ("SELECT 1 FROM quarantine", {"start": "2026-11-01", "end": "2026-11-24"}, NEW, 10),
        ("SELECT 1 FROM quarantine", {"start": "2026-12-01", "end": "2026-12-02"}, NEW, 0),
        (LINES, {"start": "2026-11-20", "end": "2026-11-24"}, NEW, 24 * 3),
        (LINES, {"start": "2026-12-01", "end": "2026-12-02"}, NEW, 0),
        ("SELECT 1", {}, NEW, 0),
    ],
)
def test_each_partition_that_is_left_is_listed_for_each_scan(
    statement: str, values: dict[str, str], state: LakeState, found: int
) -> None:
    assert lists(statement, values, state, TODAY) == found


def test_a_stage_from_2024_that_has_compacted_nothing_costs_what_it_did() -> None:
    found = lists(TICKS, {}, LakeState("2024-01-01"), date(2026, 11, 21))
    assert found == 3 * 24 * 1056
    assert f"{requests_usd(found):f}" == "0.38016"


def test_the_state_is_read_again_after_a_while() -> None:
    now = [datetime(2026, 11, 22, 12, tzinfo=UTC)]
    states = [OLD, msgspec.structs.replace(OLD, compacted_until="2026-11-21")]
    counted = ReportLists(lambda: states.pop(0), lambda: now[0])
    report = find_report("price_by_symbol")
    first = counted(report, {})
    now[0] += KEPT
    assert counted(report, {}) == first
    now[0] += timedelta(seconds=1)
    assert counted(report, {}) == first - 2 * 3 * 24


def test_amounts_are_plain_numbers() -> None:
    assert [str(requests_usd(count)) for count in (0, 1, 290, 2_000_000)] == [
        "0", "0.000005", "0.00145", "10"
    ]  # fmt: skip
