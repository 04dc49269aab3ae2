"""Until when an alert is held: digests, quiet hours and limits, over days and changes of clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.alerts import TEST_CONDITION
from chalicelib.domain.errors import ChannelError
from chalicelib.domain.holding import (
    Held,
    Window,
    count,
    end_of,
    held_back,
    held_by_limit,
    hold,
)
from chalicelib.domain.holding_settings import Holding, Limit, parse_holding
from chalicelib.domain.quiet_hours import DAYS, QuietHours, quiet_end
from chalicelib.domain.times import from_text, to_text
from tests.factories import make_alert

NEW_YORK, BERLIN = "America/New_York", "Europe/Berlin"
NIGHT = {"days": list(DAYS), "start": "22:00", "end": "07:00", "time_zone": BERLIN}


def holding(**fields: Any) -> Holding:
    return parse_holding(fields)


def local(text: str, zone: str = BERLIN, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def held(settings: Holding, now: datetime, symbol: str = "AAPL", zone: str = NEW_YORK) -> Any:
    found = hold(settings, make_alert(symbol=symbol), zone, now)
    return found and (found.until, found.reason)


def test_a_channel_without_settings_holds_nothing() -> None:
    assert held(holding(), local("2026-11-20T23:00")) is None


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-20T22:00", "2026-11-21T07:00"),
        ("2026-11-21T06:59:59", "2026-11-21T07:00"),
        ("2026-11-21T07:00", None),
        ("2026-11-20T21:59:59", None),
    ],
)
def test_quiet_hours_hold_until_their_end(now: str, until: str | None) -> None:
    reason = f"quiet hours until 07:00 {BERLIN}"
    expected = (local(until), reason) if until else None
    assert held(holding(quiet_hours=[NIGHT]), local(now)) == expected


def test_days_are_those_on_which_quiet_hours_start() -> None:
    friday = holding(quiet_hours=[{**NIGHT, "days": ["fri"]}])
    assert held(friday, local("2026-11-21T03:00")) is not None, "the night of Friday"
    assert held(friday, local("2026-11-20T03:00")) is None, "the night of Thursday"


def test_equal_times_last_a_whole_day_and_entries_that_meet_count_as_one() -> None:
    weekend = {"days": ["sat", "sun"], "start": "00:00", "end": "00:00", "time_zone": BERLIN}
    settings = holding(quiet_hours=[weekend, NIGHT])
    until, _ = held(settings, local("2026-11-20T23:00"))
    assert until == local("2026-11-23T07:00"), "Friday's night, the weekend, Sunday's night"


@pytest.mark.parametrize(
    ("start", "end", "night", "span"),
    [
        # Berlin: 02:00 to 03:00 does not exist on 2026-03-29, and occurs twice on 2026-10-25.
        ("02:30", "07:00", "2026-03-29", ("2026-03-29T01:30Z", "2026-03-29T05:00Z")),
        ("22:00", "02:30", "2026-03-28", ("2026-03-28T21:00Z", "2026-03-29T01:30Z")),
        ("02:30", "07:00", "2026-10-25", ("2026-10-25T00:30Z", "2026-10-25T06:00Z")),
        ("22:00", "02:30", "2026-10-24", ("2026-10-24T20:00Z", "2026-10-25T01:30Z")),
        ("22:00", "07:00", "2026-03-28", ("2026-03-28T21:00Z", "2026-03-29T05:00Z")),
        ("22:00", "07:00", "2026-10-24", ("2026-10-24T20:00Z", "2026-10-25T06:00Z")),
    ],
)
def test_hours_at_a_change_of_clocks(
    start: str, end: str, night: str, span: tuple[str, str]
) -> None:
    """A time that does not exist is as much later as clocks jump; of one that occurs twice the
    first starts quiet hours, and the second ends them."""
    day = DAYS[datetime.fromisoformat(night).weekday()]
    quiet = [QuietHours(days=(day,), start=start, end=end, time_zone=BERLIN)]
    first, last = (datetime.fromisoformat(each) for each in span)
    second = timedelta(seconds=1)
    assert quiet_end(quiet, first)[0] == last
    assert quiet_end(quiet, last - second)[0] == last
    assert quiet_end(quiet, first - second)[0] == first - second
    assert quiet_end(quiet, last)[0] == last


def test_hours_that_a_change_of_clocks_leaves_empty_hold_nothing() -> None:
    """02:30 is 03:30 on that day, so they would end before they start."""
    quiet = [QuietHours(days=("sun",), start="02:30", end="03:10", time_zone=BERLIN)]
    for minute in range(0, 180, 5):
        now = datetime(2026, 3, 29, tzinfo=UTC) + timedelta(minutes=minute)
        assert quiet_end(quiet, now)[0] == now


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-20T14:00:00", "2026-11-20T14:15:00"),
        ("2026-11-20T14:14:59.999999", "2026-11-20T14:15:00"),
        ("2026-11-20T14:15:00.000001", "2026-11-20T14:30:00"),
    ],
)
def test_digests_come_at_the_quarters_of_an_hour(now: str, until: str) -> None:
    found = held(holding(digest="every_15_minutes"), local(now))
    assert found == (local(until), "digest every 15 minutes")


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-20T10:00", "2026-11-20T16:15"),
        ("2026-11-20T16:14", "2026-11-20T16:15"),
        ("2026-11-20T16:15", "2026-11-23T16:15"),
        ("2026-11-21T12:00", "2026-11-23T16:15"),
        ("2026-11-25T17:00", "2026-11-27T13:15"),  # Thanksgiving, then an early close
    ],
)
def test_the_digest_at_the_close_follows_the_exchanges_calendar(now: str, until: str) -> None:
    found = held(holding(digest="at_close"), local(now, NEW_YORK))
    assert found == (local(until, NEW_YORK), "digest at the close")


@pytest.mark.parametrize(
    ("symbol", "zone", "now", "until"),
    [
        ("AAPL", NEW_YORK, "2026-11-20T12:00", None),
        ("AAPL", NEW_YORK, "2026-11-20T17:00", "2026-11-23T09:30"),
        ("AAPL", NEW_YORK, "2026-11-20T09:29", "2026-11-20T09:30"),
        ("BTC-USD", "UTC", "2026-11-21T12:00", None),
    ],
)
def test_alerts_are_held_until_the_open_only_while_the_exchange_is_closed(
    symbol: str, zone: str, now: str, until: str | None
) -> None:
    found = held(holding(digest="until_open"), local(now, NEW_YORK), symbol, zone)
    assert found == (until and (local(until, NEW_YORK), "held until the open"))


@pytest.mark.parametrize(
    ("now", "until"),
    [
        (local("2026-11-20T07:59"), local("2026-11-20T08:00")),
        (local("2026-11-20T08:00"), local("2026-11-21T08:00")),
        (local("2026-03-28T12:00"), local("2026-03-29T08:00")),
    ],
)
def test_a_daily_digest_comes_at_its_time_of_its_zone(now: datetime, until: datetime) -> None:
    settings = holding(digest={"daily_at": "08:00", "time_zone": BERLIN})
    assert held(settings, now) == (until, f"digest daily at 08:00 {BERLIN}")


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-03-28T03:00", "2026-03-29T01:30Z"),  # it does not exist: an hour later
        ("2026-10-24T03:00", "2026-10-25T00:30Z"),  # it occurs twice: the first time
    ],
)
def test_a_daily_digest_comes_once_at_a_change_of_clocks(now: str, until: str) -> None:
    settings = holding(digest={"daily_at": "02:30", "time_zone": BERLIN})
    found, _ = held(settings, local(now))
    assert found == datetime.fromisoformat(until)
    following, _ = held(settings, found)
    assert following.astimezone(ZoneInfo(BERLIN)).strftime("%H:%M") == "02:30"
    assert timedelta(hours=22) < following - found < timedelta(hours=26)


def test_a_digest_that_would_come_in_quiet_hours_comes_at_their_end() -> None:
    settings = holding(digest="at_close", quiet_hours=[NIGHT])
    until, reason = held(settings, local("2026-11-20T15:00"))
    assert until == local("2026-11-21T07:00")
    assert reason == f"digest at the close; quiet hours until 07:00 {BERLIN}"


@pytest.mark.parametrize("fields", [{"severity": "urgent"}, {"condition": TEST_CONDITION}])
def test_urgent_and_test_alerts_are_never_held(fields: dict[str, Any]) -> None:
    settings = holding(digest="at_close", quiet_hours=[NIGHT])
    assert hold(settings, make_alert(**fields), NEW_YORK, local("2026-11-20T23:00")) is None


def test_further_reasons_hold_longer_and_are_subject_to_quiet_hours() -> None:
    muted = Held(local("2026-11-20T23:00"), "muted")
    found = hold(
        holding(quiet_hours=[NIGHT], digest="every_15_minutes"),
        make_alert(),
        NEW_YORK,
        local("2026-11-20T12:00"),
        [muted],
    )
    assert found == Held(local("2026-11-21T07:00"), f"muted; quiet hours until 07:00 {BERLIN}")


MINUTES = st.integers(0, 3 * 365 * 24 * 60)
CLOCKS = st.builds(lambda m: f"{m // 60:02}:{m % 60:02}", st.integers(0, 1439))
ZONES = st.sampled_from(
    [BERLIN, NEW_YORK, "Australia/Lord_Howe", "America/St_Johns", "Asia/Kathmandu", "UTC"]
)
QUIET = st.builds(
    QuietHours,
    days=st.lists(st.sampled_from(DAYS), min_size=1, unique=True).map(tuple),
    start=CLOCKS,
    end=CLOCKS,
    time_zone=ZONES,
)
DIGESTS = st.one_of(
    st.sampled_from(["as_it_happens", "every_15_minutes", "at_close", "until_open"]),
    st.fixed_dictionaries({"daily_at": CLOCKS, "time_zone": ZONES}),
)


def instant_of(minute: int) -> datetime:
    return datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)


@given(st.lists(QUIET, max_size=2), DIGESTS, MINUTES)
def test_holding_ends_within_days_and_outside_of_quiet_hours(
    quiet: list[QuietHours], digest: Any, minute: int
) -> None:
    settings = Holding(None, parse_holding({"digest": digest}).digest, tuple(quiet))
    now = instant_of(minute)
    found = hold(settings, make_alert(), NEW_YORK, now)
    is_quiet = quiet_end(quiet, now)[0] > now
    if found is None:
        assert not is_quiet
        return
    assert now < found.until <= now + timedelta(days=16)
    if found.until < now + timedelta(days=7):
        assert quiet_end(quiet, found.until)[0] == found.until


@given(QUIET, MINUTES)
def test_quiet_hours_are_those_of_the_wall_clock(quiet: QuietHours, minute: int) -> None:
    """On days without a change of clocks."""
    now = instant_of(minute)
    zone = ZoneInfo(quiet.time_zone)
    there = now.astimezone(zone)
    around = [there + timedelta(days=n) for n in (-2, 2)]
    if around[0].utcoffset() != around[1].utcoffset():
        return
    clock, today = there.strftime("%H:%M"), DAYS[there.weekday()]
    yesterday = DAYS[there.weekday() - 1]
    if quiet.start < quiet.end:
        expected = today in quiet.days and quiet.start <= clock < quiet.end
    else:
        begun = today in quiet.days and clock >= quiet.start
        expected = begun or (yesterday in quiet.days and clock < quiet.end)
    assert (quiet_end([quiet], now)[0] > now) == expected


LIMIT = Limit(messages=3, minutes=10)
START = from_text("2026-11-20T15:00:00Z")


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_the_first_alerts_of_a_window_are_sent_and_the_others_wait_for_its_end() -> None:
    window, sent = count(None, LIMIT, ["a", "b"], START)
    assert (window, sent) == (Window(to_text(START), ("a", "b")), {"a", "b"})
    window, sent = count(window, LIMIT, ["c", "d"], after(599))
    assert sent == {"c"}
    found = held_by_limit(holding(), window, LIMIT)
    assert found == Held(after(600), "limit of 3 messages in 10 minutes")


def test_the_digest_counts_in_the_window_that_it_begins() -> None:
    window, _ = count(None, LIMIT, list("abcd"), START)
    window, sent = count(window, LIMIT, list("efg"), after(600))
    assert (window.start, sent) == (to_text(after(600)), {"e", "f"})
    idle, sent = count(window, LIMIT, list("xyz"), after(1800))
    assert (idle.start, sent) == (to_text(after(1800)), {"x", "y", "z"})


def test_an_alert_that_comes_again_takes_one_place() -> None:
    window, _ = count(None, LIMIT, ["a"], START)
    again, sent = count(window, LIMIT, ["a"], after(5))
    assert (again, sent) == (window, {"a"})


@pytest.mark.parametrize("start", ["2035-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z"])
def test_a_window_that_starts_ahead_of_the_clock_counts_as_none(start: str) -> None:
    window, sent = count(Window(start, ("a", "b", "c"), over=True), LIMIT, ["d"], START)
    assert (window, sent) == (Window(to_text(START), ("d",)), {"d"})


def test_a_window_of_a_container_whose_clock_is_a_little_ahead_counts() -> None:
    mine, _ = count(None, LIMIT, ["a"], after(30))
    theirs, _ = count(mine, LIMIT, ["b"], START)
    assert theirs == Window(mine.start, ("a", "b"))


def test_a_digest_of_the_limit_waits_for_quiet_hours_too() -> None:
    window, _ = count(None, LIMIT, list("abcd"), local("2026-11-20T21:55"))
    found = held_by_limit(holding(quiet_hours=[NIGHT]), window, LIMIT)
    assert found.until == local("2026-11-21T07:00")
    assert found.reason.startswith("limit of 3 messages in 10 minutes; quiet hours until")


@given(
    st.integers(1, 4),
    st.integers(1, 20),
    st.lists(st.tuples(st.integers(0, 900), st.integers(1, 4)), max_size=40),
)
def test_no_window_has_more_messages_than_its_limit(
    messages: int, minutes: int, steps: list[tuple[int, int]]
) -> None:
    """Counting the digest that a window begins with; each alert is sent, or in one digest."""
    limit = Limit(messages, minutes)
    window: Window | None = None
    now, number = START, 0
    windows: dict[str, int] = {}
    digests: set[datetime] = set()
    for seconds, many in steps:
        now += timedelta(seconds=seconds)
        ids = [str(number + n) for n in range(many)]
        number += many
        window, sent = count(window, limit, ids, now)
        assert from_text(window.start) <= now < end_of(window, limit)
        windows[window.start] = windows.get(window.start, 0) + len(sent)
        if len(sent) < many:
            digests.add(end_of(window, limit))
    starts = sorted(map(from_text, windows))
    span = timedelta(minutes=minutes)
    assert all(later - earlier >= span for earlier, later in pairwise(starts))
    for start, sent_of_window in windows.items():
        assert sent_of_window + (from_text(start) in digests) <= messages


@pytest.mark.parametrize(
    ("given_fields", "field"),
    [
        ({"limit": 5}, "limit"),
        ({"limit": {"messages": 5}}, "limit"),
        ({"limit": {"messages": 0, "minutes": 5}}, "limit.messages"),
        ({"limit": {"messages": 5, "minutes": 1441}}, "limit.minutes"),
        ({"limit": {"messages": True, "minutes": 5}}, "limit.messages"),
        ({"digest": "weekly"}, "digest"),
        ({"digest": {"daily_at": "8:00", "time_zone": BERLIN}}, "digest.daily_at"),
        ({"digest": {"daily_at": "08:00", "time_zone": "Mars"}}, "digest.time_zone"),
        ({"quiet_hours": NIGHT}, "quiet_hours"),
        ({"quiet_hours": [NIGHT] * 8}, "quiet_hours"),
        ({"quiet_hours": [{**NIGHT, "days": []}]}, "quiet_hours.days"),
        ({"quiet_hours": [{**NIGHT, "days": ["monday"]}]}, "quiet_hours.days"),
        ({"quiet_hours": [{**NIGHT, "days": [["mon"]]}]}, "quiet_hours.days"),
        ({"quiet_hours": [{**NIGHT, "start": "24:00"}]}, "quiet_hours.start"),
        ({"quiet_hours": [{**NIGHT, "end": 7}]}, "quiet_hours.end"),
        ({"quiet_hours": [{**NIGHT, "time_zone": None}]}, "quiet_hours.time_zone"),
        ({"quiet_hours": [{**NIGHT, "more": 1}]}, "quiet_hours"),
        ({"quiet_hours": [{**NIGHT, "start": "07:00"}]}, "quiet_hours"),
    ],
)
def test_a_field_that_is_wrong_is_named(given_fields: dict[str, Any], field: str) -> None:
    with pytest.raises(ChannelError) as caught:
        parse_holding(given_fields)
    assert caught.value.field == field


def test_a_digest_that_quiet_hours_move_takes_a_place_only_in_the_window_that_follows_at_once() -> (
    None
):
    limit = Limit(messages=2, minutes=30)
    settings = holding(quiet_hours=[{**NIGHT, "end": "22:20"}])
    first = local("2026-11-20T21:40")
    window, _ = count(None, limit, ["a", "b", "c"], first)
    assert held_by_limit(settings, window, limit).until == local("2026-11-20T22:20"), "not 22:10"
    following, sent = count(window, limit, ["d", "e"], local("2026-11-20T22:25"))
    assert (following.start, sent) == (to_text(local("2026-11-20T22:10")), {"d"})
    later, sent = count(window, limit, ["d", "e"], local("2026-11-20T22:40"))
    assert (later.start, sent) == (to_text(local("2026-11-20T22:40")), {"d", "e"})


def test_fields_that_are_not_given_stay_and_null_switches_off() -> None:
    before = holding(limit={"messages": 1, "minutes": 2}, quiet_hours=[NIGHT])
    assert parse_holding({}, before) == before
    assert parse_holding({"quiet_hours": None}, before) == Holding(limit=Limit(1, 2))
    assert parse_holding({"limit": None, "digest": None, "quiet_hours": []}, before) == Holding()


def test_an_alert_that_its_channel_cannot_get_waits_five_minutes_and_for_quiet_hours() -> None:
    night, morning = local("2026-11-20T23:01"), local("2026-11-21T07:00")
    quiet = holding(quiet_hours=[NIGHT])
    found = held_back(quiet, make_alert(), "too many", night)
    assert (found.until, found.reason) == (morning, f"too many; quiet hours until 07:00 {BERLIN}")
    urgent = held_back(quiet, make_alert(severity="urgent"), "too many", night)
    assert (urgent.until, urgent.reason) == (local("2026-11-20T23:05"), "too many")
