"""Complaints of users of other alerting programs, each as a test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from chalicelib.domain.rules import default_rules
from chalicelib.domain.times import to_text
from tests.factories import make_rule, make_tick, make_ticks
from tests.unit.domain.watched import Watched

NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)


def test_one_cross_alerts_once_however_long_it_lasts() -> None:
    watched = Watched(*default_rules(2, 4, Decimal(5)))
    watched.feed(make_ticks([10, 9, 8, 7, 12, 13, 14, 14, 14, 15, 16]))
    assert [alert.condition for alert in watched.fired()] == ["golden_cross"]


def test_nothing_fires_at_each_cooldown_while_the_condition_lasts() -> None:
    watched = Watched(make_rule("greater_than", value=10, cooldown_seconds=5))
    watched.feed(make_ticks([9, 11, 11, 11, 12, 12, 13, 14, 15, 16], step=10))
    assert len(watched.fired()) == 1


def test_it_fires_again_after_leaving_and_entering() -> None:
    watched = Watched(make_rule("greater_than", value=10))
    watched.feed(make_ticks([9, 11, 9, 11, 11, 9, 11]))
    assert len(watched.fired()) == 3


def test_nothing_fires_after_a_reconnect() -> None:
    watched = Watched(
        make_rule("greater_than", value=10), make_rule("crossing", rule_id="c", value=10)
    )
    watched.feed(make_ticks([9, 11]))
    told = watched.fired()
    watched.feed(make_ticks([11, 11], start=3600))
    assert watched.fired() == told


def test_stale_data_alerts_nobody() -> None:
    watched = Watched(make_rule("greater_than", value=10), now=NOW)
    old = to_text(NOW - timedelta(minutes=16))
    watched.feed([make_tick(11, timestamp=old, mode="live")])
    assert [alert.quiet for alert in watched.fired()] == ["old"]
    assert watched.sent == 0


def test_fresh_data_alerts() -> None:
    watched = Watched(make_rule("greater_than", value=10), now=NOW)
    fresh = to_text(NOW - timedelta(minutes=14))
    watched.feed([make_tick(11, timestamp=fresh, mode="live")])
    assert watched.sent == 1


def test_history_alerts_nobody() -> None:
    watched = Watched(make_rule("greater_than", value=10))
    watched.feed([make_tick(11, mode="backfill")])
    assert [alert.quiet for alert in watched.fired()] == ["backfill"]
    assert watched.sent == 0


def test_changed_rule_restarts() -> None:
    watched = Watched(make_rule("greater_than", value=10, trigger="once"))
    watched.feed(make_ticks([11, 9, 11]))
    assert len(watched.fired()) == 1
    watched.rules[:] = [make_rule("greater_than", value=12, trigger="once")]
    watched.feed(make_ticks([13], start=60))
    assert len(watched.fired()) == 2
