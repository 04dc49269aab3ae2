from __future__ import annotations

import pytest

from chalicelib.domain.archive_layout import (
    Told,
    is_sources_key,
    read_sources,
    sources_body,
    sources_key,
)
from chalicelib.domain.errors import TickError
from chalicelib.domain.raw_lines import pack_lines
from chalicelib.domain.sources import (
    MOST_BYTES,
    Sources,
    Switch,
    differ,
    joined,
    parse_sources,
    runs_of,
)
from tests.factories import at, make_tick

TEXT = f"yfinance,{at(60)} alpaca,{at(180)} yfinance"


def test_sources_are_read_from_their_text_and_written_to_it() -> None:
    sources = parse_sources(TEXT)
    assert sources.first == "yfinance"
    assert sources.switches == (Switch(at(60), "alpaca"), Switch(at(180), "yfinance"))
    assert sources.text() == TEXT
    assert parse_sources("unknown") == Sources(None)
    assert Sources(None).text() == "unknown"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yfinance,",
        f"yfinance,{at(61)} alpaca",
        "yfinance,alpaca",
        f"yfinance,{at(60)} alpaca,{at(60)} yfinance",
        f"yfinance,{at(120)} alpaca,{at(60)} yfinance",
        "yfinance" + "".join(f",{at(60 * n)} alpaca" for n in range(MOST_BYTES // 30)),
    ],
)
def test_texts_that_are_not_sources_are_refused(text: str) -> None:
    with pytest.raises(TickError, match="sources"):
        parse_sources(text)


def test_an_instant_belongs_to_the_last_source_that_has_begun() -> None:
    sources = parse_sources(TEXT)
    stamps = (0, 59.999999, 60, 179.999999, 180, 9999)
    found = [sources.at(at(seconds)) for seconds in stamps]
    assert found == ["yfinance", "yfinance", "alpaca", "alpaca", "yfinance", "yfinance"]


def test_a_refusal_says_which_source_was_in_force_and_since_when() -> None:
    sources = parse_sources(TEXT)
    assert sources.refusal("yfinance-live", at(0)) is None
    assert sources.refusal("unknown", at(0)) is None
    assert str(sources.refusal("alpaca", at(0))).endswith(f"yfinance, the source before {at(60)}")
    assert str(sources.refusal("yfinance", at(99))).endswith(f"alpaca, the source from {at(60)} on")
    assert str(Sources("coinbase").refusal("binance", at(0))).endswith(
        "coinbase, as in the whole series"
    )


def test_a_switch_replaces_those_that_are_not_fixed_yet() -> None:
    known = parse_sources(f"yfinance,{at(60)} alpaca,{at(900)} coinbase")
    fixed = at(500)
    assert known.switched("binance", at(960), fixed).text() == (
        f"yfinance,{at(60)} alpaca,{at(960)} binance"
    )
    assert known.switched("alpaca", at(960), fixed).text() == f"yfinance,{at(60)} alpaca"


def test_sources_differ_only_between_families_that_are_named() -> None:
    assert differ("yfinance", "alpaca")
    assert not differ("yfinance", "yfinance-live")
    assert not differ("yfinance", "unknown")


def test_rows_tell_where_their_source_changes() -> None:
    names = ["unknown", "yfinance", "yfinance-live", "unknown", "alpaca", "alpaca"]
    rows = [make_tick(1, n, source=name) for n, name in enumerate(names)]
    runs = (Switch(at(0), "yfinance"), Switch(at(4), "alpaca"))
    assert runs_of(rows, "timestamp") == runs
    pages = [runs_of(rows[4:], "timestamp"), runs_of(rows[:4], "timestamp")]
    assert joined(pages) == runs
    assert runs_of([], "timestamp") == ()


def test_the_archives_object_says_the_same_again() -> None:
    one = Told("^GSPC", TEXT)
    again = Told("^GSPC", "yfinance", at(60))
    keys = [sources_key(told) for told in ([one], [again], [one, again], [again, one])]
    assert keys[:2] == [
        "raw/sources/%5EGSPC-2.json.gz",
        "raw/sources/%5EGSPC-0-20261120T153100000000Z.json.gz",
    ]
    assert len(set(keys)) == 4
    assert all(map(is_sources_key, keys))
    assert not is_sources_key("raw/date=2026-11-20/hour=15/shard-1-2.json.gz")
    assert read_sources(sources_body([one, again])) == [one, again]
    odd = pack_lines([(b'{"symbol": "A", "sources": "a,soon"}', None)])
    for body in (b"", b"{}", pack_lines([(b"{}", None)]), pack_lines([]), odd):
        with pytest.raises(ValueError):  # noqa: PT011 - each in its own words
            read_sources(body)
