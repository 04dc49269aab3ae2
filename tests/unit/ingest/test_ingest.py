from __future__ import annotations

import base64
from typing import Any

import pytest

from chalicelib.adapters import events
from chalicelib.bootstrap import Services
from chalicelib.domain.bars import Bar
from chalicelib.domain.ticks import family
from chalicelib.services.ingest.ingest import Ingest, Ingested
from chalicelib.services.ingest.plan import Incoming
from chalicelib.services.symbol_stores import SymbolEntry
from rigs.memory_aws.system import SETTINGS, Aws
from tests.factories import NEVER, at, instant, make_incoming, payload, sqs_event, wire
from tests.fakes import fake_stores


class System:
    """Ingest on fakes, at 100 seconds after START."""

    def __init__(self) -> None:
        self.stores: Any = fake_stores()
        self.ingest = Ingest(self.stores, lambda: instant(100))

    def __call__(self, *payloads: bytes) -> Ingested:
        return self.ingest(records_of(*payloads), NEVER)

    def prices(self, symbol: str = "AAPL") -> list[Any]:
        page = self.stores.prices.ticks(symbol, None, None, limit=1000)
        return [stored.tick.price for stored in page.rows]


def records_of(*payloads: bytes) -> list[Incoming]:
    return [make_incoming(data, number) for number, data in enumerate(payloads)]


@pytest.fixture
def system() -> System:
    return System()


def test_ticks_are_archived_and_stored(system: System) -> None:
    done = system(payload(wire(1, 0), wire(2, 1)), payload(wire(3, 2)))
    assert system.prices() == [1, 2, 3]
    assert (done.taken, done.stored, done.failed) == (3, 3, frozenset())
    lines = [line for lines in system.stores.archive.raw.values() for line in lines]
    assert lines == [payload(wire(1, 0)), payload(wire(2, 1)), payload(wire(3, 2))]


def test_a_batch_is_one_object_of_the_archive(system: System) -> None:
    system(*(payload(wire(n + 1, n)) for n in range(40)))
    assert len(system.stores.archive.raw) == 1


def test_a_poison_record_beside_good_ones_is_quarantined_and_fails_nothing(
    system: System,
) -> None:
    done = system(payload(wire(1, 0)), b"\xff\x00poison", payload(wire(2, 1)))
    assert system.prices() == [1, 2]
    assert (done.quarantined, done.failed) == (1, frozenset())
    ((part,),) = system.stores.archive.quarantine.values()
    assert base64.b64decode(part.payload) == b"\xff\x00poison"
    assert part.reason
    assert part.sequence_number == "1"


def test_poison_comes_to_the_same_place_however_often_it_is_delivered(system: System) -> None:
    for _ in range(3):
        system(b"poison", b"poison")
    (parts,) = system.stores.archive.quarantine.values()
    assert [part.sequence_number for part in parts] == ["0", "1"]


def test_a_record_of_20_000_bad_lines_is_one_object_of_quarantine(system: System) -> None:
    done = system(b"{}\n" * 20_000)
    (parts,) = system.stores.archive.quarantine.values()
    assert done.quarantined == len(parts) == 20_000
    assert [part.part for part in parts] == list(range(20_000))


def test_the_newest_item_is_written_only_after_all_others_are_acknowledged(
    system: System,
) -> None:
    writes: list[list[str]] = []
    write = system.stores.prices.write

    def noted(records: Any, deadline: float) -> Any:
        writes.append([record.key[1] for record in records])
        return write(records, deadline)

    system.stores.prices.write = noted
    system(*(payload(wire(1, n)) for n in (0, 2, 1)))
    assert writes == [[at(0), at(1)], [at(2)]]


def test_the_newest_item_is_not_written_before_others_are_acknowledged(
    system: System,
) -> None:
    system.stores.prices.write = lambda records, deadline: {0}
    done = system(payload(wire(1, 0)), payload(wire(2, 1)))
    assert system.prices() == []
    assert done.failed == {0, 1}


def test_another_symbols_failure_does_not_hold_a_symbol_back(system: System) -> None:
    write = system.stores.prices.write

    def failing(records: Any, deadline: float) -> set[int]:
        left = {index for index, record in enumerate(records) if record.key[0] == "BAD"}
        write([record for index, record in enumerate(records) if index not in left], deadline)
        return left

    system.stores.prices.write = failing
    done = system(*(payload(wire(1, n, symbol=s)) for n, s in enumerate(["GOOD", "BAD"] * 2)))
    assert len(system.prices("GOOD")) == 2
    assert done.failed == {1, 3}
    assert done.stored == 2


def test_a_stream_gets_the_first_failed_record_and_a_queue_all_later_ones_too() -> None:
    records = records_of(*(payload(wire(1, n)) for n in range(4)))
    done = Ingested(4, 2, 0, 0, frozenset({1, 3}), "", 0.0)
    assert done.identifiers(records, all_later=False) == ["seq-1"]
    assert done.identifiers(records, all_later=True) == ["seq-1", "seq-2", "seq-3"]
    whole = Ingested(4, 4, 0, 0, frozenset(), "", 0.0)
    assert whole.identifiers(records, all_later=True) == []


def test_an_error_of_the_archive_stops_everything(system: System) -> None:
    def broken(*_: object) -> None:
        raise OSError("no archive")

    system.stores.archive.put_raw = broken
    with pytest.raises(OSError, match="no archive"):
        system(payload(wire(1, 0)))
    assert system.prices() == []


def test_a_symbol_is_seen_with_the_source_and_currency_of_its_first_tick(system: System) -> None:
    system(payload(wire(1, 0, currency="USD")))
    assert system.stores.symbols.listed("seen") == [
        SymbolEntry(symbol="AAPL", added_at=at(0), source="replay", currency="USD")
    ]


def test_a_batchs_first_named_source_is_the_symbols(system: System) -> None:
    bare = wire(1, 0)
    del bare["source"]
    done = system(payload(bare), payload(wire(2, 1, source="yfinance")), payload(wire(3, 2)))
    (entry,) = system.stores.symbols.listed("seen")
    assert entry.source == "yfinance"
    assert system.prices() == [1, 2]
    assert done.quarantined == 1


def test_a_tick_of_another_source_goes_to_quarantine(system: System) -> None:
    system(payload(wire(1, 0, source="simulator")))
    done = system(payload(wire(2, 1, source="yfinance")))
    assert system.prices() == [1]
    assert done.quarantined == 1
    ((part,),) = system.stores.archive.quarantine.values()
    assert part.reason.startswith("source: 'yfinance' is not allowed")


def test_the_symbols_line_says_why_its_ticks_go_to_quarantine(system: System) -> None:
    system(payload(wire(1, 0, source="simulator")))
    noted: list[tuple[str, str, str]] = []
    note = system.stores.symbols.note_problem

    def noting(symbol: str, problem: str, at: str) -> None:
        noted.append((symbol, problem, at))
        note(symbol, problem, at)

    system.stores.symbols.note_problem = noting
    done = [system(payload(wire(2, n, source="yfinance"))) for n in range(1, 4)]
    why = "source: 'yfinance' is not allowed; allowed: simulator, as in the whole series"
    assert [one.reason for one in done] == [why] * 3
    assert noted == [("AAPL", why, noted[0][2])]  # once, though three batches brought one
    (line,) = system.stores.symbols.listed("seen")
    assert (line.problem, line.problem_at) == (why, noted[0][2])


def test_quarantined_parts_are_logged_once_for_each_reason(
    system: System, caplog: pytest.LogCaptureFixture
) -> None:
    system(b"nonsense", b"nonsense", payload(wire(-1, 0)))
    logged = [record.getMessage() for record in caplog.records]
    assert len(logged) == 2
    assert logged[0].startswith("quarantined 2, the first ")


def test_a_tick_without_a_source_fits_into_any_series(system: System) -> None:
    bare = wire(2, 1)
    del bare["source"]
    system(payload(wire(1, 0)))
    system(payload(bare))
    assert system.prices() == [1, 2]


def test_yahoos_polled_and_pushed_prices_are_one_family() -> None:
    assert family("yfinance-live") == family("yfinance") == "yfinance"
    assert family("simulator") == "simulator"


def test_the_source_of_a_known_symbol_is_looked_up_once(system: System) -> None:
    asked: list[tuple[str, list[str]]] = []
    find = system.stores.symbols.find_many

    def noted(name: str, symbols: Any) -> Any:
        asked.append((name, list(symbols)))
        return find(name, symbols)

    system.stores.symbols.find_many = noted
    for n in range(3):
        system(payload(wire(1, n)), payload(wire(1, n, symbol="MSFT")))
    both = ["AAPL", "MSFT"]
    # the second and third because both were new
    assert asked == [("seen", both), ("tracked", both), ("forgotten", both)]


def test_historical_bars_go_straight_into_their_series(system: System) -> None:
    history = {"bar": "1m", "open": 1, "high": 2, "low": 1}
    done = system(payload(*(wire(2, 60 * n, **history) for n in range(3))))
    assert (done.bars, done.taken) == (3, 0)
    assert system.prices() == []
    page = system.stores.bars.bars("AAPL", "1m", None, None, limit=10)
    assert [bar.start for bar in page.rows] == [at(0), at(60), at(120)]


def test_a_folded_bar_never_takes_the_place_of_one_that_came_as_it_is(system: System) -> None:
    fields = {"bar": "1d", "open": 1, "high": 9, "low": 1, "timestamp": "2026-11-20T00:00:00Z"}
    own, folded = wire(5, 0, **fields), wire(7, 0, folded=390, **fields)
    for batch in ([payload(folded)], [payload(own, folded)], [payload(folded)]):
        assert system(*batch).bars == 1
    page = system.stores.bars.bars("AAPL", "1d", None, None, limit=10)
    assert [(bar.close, bar.folded) for bar in page.rows] == [(5, 0)]


def test_historical_bars_that_are_not_acknowledged_are_reported(system: System) -> None:
    history = {"bar": "1m", "open": 1, "high": 2, "low": 1}
    system.stores.bars.write_history = lambda bars, arrival, deadline: {1}
    done = system(payload(wire(1, 0)), *(payload(wire(2, 60 * n, **history)) for n in (1, 2)))
    assert done.failed == {2}
    assert done.bars == 1


@pytest.mark.parametrize("method", ["fill", "write_late_history"])
def test_folded_and_late_bars_that_are_not_put_by_the_deadline_are_reported(
    system: System, method: str
) -> None:
    asked = []

    def put(bars: list[Bar], arrival: str, deadline: float) -> set[int]:
        asked.append(deadline)
        return {len(bars) - 1}

    setattr(system.stores.bars, method, put)
    folded = {"folded": 5} if method == "fill" else {}
    history = {"bar": "1m", "open": 1, "high": 2, "low": 1, **folded}
    system.ingest = Ingest(system.stores, lambda: instant(600))
    done = system(payload(wire(1, 0)), *(payload(wire(2, 60 * n, **history)) for n in (1, 2)))
    assert done.failed == {2}
    assert done.bars == 1
    assert asked == [NEVER]


def test_historical_minutes_are_reported_whose_symbol_could_not_be_marked(system: System) -> None:
    history = {"open": 1, "high": 2, "low": 1}
    system.stores.bars.mark_history = lambda symbols, deadline: {symbols.index("MSFT")}
    done = system(
        payload(wire(2, 0, bar="1d", **history) | {"timestamp": "2026-11-20T00:00:00Z"}),
        payload(wire(2, 60, bar="1m", **history)),
        payload(wire(2, 60, bar="1m", **history) | {"symbol": "MSFT"}),
    )
    assert done.failed == {2}
    assert done.bars == 2


def test_the_age_is_that_of_the_oldest_live_tick(system: System) -> None:
    assert (
        system(payload(wire(1, 0, mode="live"), wire(1, 40, mode="live"))).oldest_age_seconds == 100
    )
    assert system(payload(wire(1, 0))).oldest_age_seconds == 0


def test_an_empty_batch_is_nothing(system: System) -> None:
    assert system().taken == 0
    assert system.stores.archive.raw == {}


def test_prices_are_looked_up_only_for_symbols_that_were_ever_sent_packed(system: System) -> None:
    asked: list[Any] = []
    find_many = system.stores.prices.find_many

    def noted(keys: Any) -> Any:
        asked.append(keys)
        return find_many(keys)

    system.stores.prices.find_many = noted
    system(payload(wire(1, 0)), payload(wire(1, 0, symbol="MSFT"), wire(1, 1, symbol="MSFT")))
    assert asked == [[("MSFT", at(1))]]
    (_, microsoft) = system.stores.symbols.listed("seen")
    assert microsoft.packed == "yes"


def test_ticks_that_share_a_record_but_no_item_leave_their_symbol_unpacked(system: System) -> None:
    day = 86_400
    system(payload(*(wire(n + 1, (n - 9) * day) for n in range(5))))
    (apple,) = system.stores.symbols.listed("seen")
    assert apple.packed is None
    assert system.prices() == [1, 2, 3, 4, 5]
    system(payload(wire(6, 0), wire(7, 60)))
    (apple,) = system.stores.symbols.listed("seen")
    assert apple.packed == "yes"


def test_ticks_near_each_other_count_as_packed_whatever_lies_between(system: System) -> None:
    """A tick of a foreign source parts two that share an item once it was sorted out."""
    system(payload(wire(1, -100, source="replay")))
    system(
        payload(
            wire(1, 0, source="replay"),
            wire(2, 10, source="simulator"),
            wire(3, 20, source="replay"),
        )
    )
    (apple,) = system.stores.symbols.listed("seen")
    assert apple.packed == "yes"


def test_ticks_of_a_symbol_that_was_seen_unpacked_share_items_once_every_container_knows(
    system: System,
) -> None:
    system(payload(wire(1, -50)))
    for seconds in (100, 279, 281):
        ingest = Ingest(system.stores, lambda: instant(seconds))  # noqa: B023
        ingest(records_of(payload(wire(1, seconds), wire(2, seconds + 1))), NEVER)
    stored = [record.key[1] for record in system.stores.prices.records]
    assert stored == [at(second) for second in (-50, 100, 101, 279, 280, 282)]


def test_another_container_knows_that_a_symbol_was_sent_packed(system: System) -> None:
    system(payload(wire(1, 0), wire(2, 1), wire(3, 2)))
    another = Ingest(system.stores, lambda: instant(100))
    another(records_of(payload(wire(4, 2))), NEVER)
    assert system.prices() == [1, 2, 4]


def test_a_containers_cache_of_a_symbol_expires(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    system(payload(wire(1, -1)))
    another = Ingest(system.stores, lambda: instant(100))
    another(records_of(payload(wire(1, 0), wire(2, 1), wire(3, 2))), NEVER)
    monkeypatch.setattr("chalicelib.services.ingest.known_symbols.KNOWN_SECONDS", -1)
    system(payload(wire(4, 2)))
    assert system.prices() == [1, 1, 2, 4]


def test_a_symbol_without_any_source_is_pinned_once(system: System) -> None:
    pinned: list[str] = []
    pin = system.stores.symbols.pin

    def noted(entry: SymbolEntry) -> SymbolEntry:
        pinned.append(entry.symbol)
        return pin(entry)  # type: ignore[no-any-return]

    system.stores.symbols.pin = noted
    bare = wire(1, 0)
    del bare["source"]
    for _ in range(3):
        system(payload(bare))
    assert pinned == ["AAPL"]


def test_sending_a_part_of_a_record_again_does_not_lose_the_rest(system: System) -> None:
    system(payload(wire(1, 0), wire(2, 1), wire(3, 2)))
    system(payload(wire(4, 2)))
    assert system.prices() == [1, 2, 4]


def test_a_part_that_is_sent_again_with_another_state_does_not_lose_the_rest(
    system: System,
) -> None:
    system(payload(wire(1, 0), wire(2, 1), wire(3, 2)))
    system(payload(wire(4, 2, market_state="POST")), payload(wire(5, 1)))
    assert system.prices() == [1, 5, 4]


def test_a_redelivery_adds_nothing(system: System) -> None:
    payloads = [payload(wire(n, n)) for n in range(1, 6)]
    system(*payloads)
    before = (system.prices(), dict(system.stores.archive.raw))
    system(*payloads)
    assert (system.prices(), dict(system.stores.archive.raw)) == before


@pytest.mark.parametrize("bad", [payload(wire(0, 1, symbol="BBB")), b"{", b"{}"])
def test_a_batch_of_a_batchs_first_and_last_message_does_not_overwrite_what_was_between(
    bad: bytes,
) -> None:
    """Two messages of a queue that could not be deleted come again, those between them do not."""
    aws = Aws()
    services = Services(SETTINGS, lambda: instant(2), aws)
    sent = [payload(wire(n, n, symbol="AAPL" if n in (1, 4) else "BBB")) for n in range(1, 5)]
    records = events.from_sqs(sqs_event([*sent[:2], bad, sent[3]], 10))
    services.ingest(records, NEVER)
    kept = dict(aws.objects)
    services.ingest([records[0], records[3]], NEVER)
    assert {key: aws.objects[key] for key in kept} == kept
