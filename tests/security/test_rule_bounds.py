"""Fifty enabled rules a symbol: in whatever order, at whatever time, under whatever id."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from itertools import chain
from typing import Any

import pytest

from chalicelib.adapters.dynamodb import item_of
from chalicelib.adapters.rules import Rules
from chalicelib.domain.errors import Conflict, Contended, Unknown
from chalicelib.domain.rules import MAX_RULES
from chalicelib.services.rules import rule_book
from chalicelib.services.rules.rule_book import RuleBook
from chalicelib.services.stores import MAX_REMOVED
from rigs.emulated import Emulated
from rigs.memory_aws.dynamodb import Perform
from rigs.memory_aws.system import Aws

EVERY = {"symbol": "AAPL", "condition": "every_record"}
LAG = 25


class LateIndex:
    """The index `all` as it was some writes ago."""

    def __init__(self, aws: Aws) -> None:
        self._table = aws.tables["rules"]
        self._before = [dict(self._table.items)]
        aws.around = self

    def __call__(self, operation: str, request: dict[str, Any], perform: Perform) -> Any:
        if "IndexName" in request:
            now, self._table.items = self._table.items, self._before[-LAG:][0]
            try:
                return perform()
            finally:
                self._table.items = now
        answer = perform()
        if operation == "TransactWriteItems":
            self._before.append(dict(self._table.items))
        return answer


def book_over(aws: Aws) -> RuleBook:
    return RuleBook(Rules(aws.dynamodb, "rules"), ())


def enabled_of(aws: Aws, symbol: str) -> int:
    """Counted in the table itself."""
    items = aws.tables["rules"].items.values()
    mine = [item for item in items if item["symbol"]["S"] == symbol]
    return sum(item["enabled"]["BOOL"] for item in mine)


def attempt(book: RuleBook, rule_id: str, given: dict[str, Any]) -> str:
    try:
        book.replace(rule_id, given)
    except (Conflict, Contended) as error:
        return type(error).__name__
    return "stored"


@pytest.fixture(params=["memory", "emulator"])
def books(request: pytest.FixtureRequest) -> Iterator[list[RuleBook]]:
    """Return rule books of several containers, which do not share a lock."""
    if request.param == "memory":
        aws = Aws()
        yield [book_over(aws) for _ in range(4)]
        return
    emulated: Emulated = request.getfixturevalue("emulated")
    table = emulated.provisioned().rules_table
    yield [RuleBook(Rules(emulated.clients.dynamodb, table), ()) for _ in range(4)]


def test_containers_that_put_at_one_time_store_no_more_than_the_bound(
    books: list[RuleBook], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(MAX_RULES - 4):
        books[0].replace(f"before{number}", EVERY)
    monkeypatch.setattr(rule_book, "_writing", nullcontext())
    monkeypatch.setattr(rule_book, "TRIES", 200)
    gate = threading.Barrier(len(books))

    def put(at: int) -> list[str]:
        gate.wait(timeout=60)
        return [attempt(books[at], f"r{at}-{number}", EVERY) for number in range(4)]

    with ThreadPoolExecutor(len(books)) as pool:
        results = Counter(chain.from_iterable(pool.map(put, range(len(books)))))
    assert results == {"stored": 4, "Conflict": 12}
    assert len(books[0].all()) == MAX_RULES


def test_one_id_put_under_two_symbols_at_one_time_is_one_rule(
    books: list[RuleBook], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rule_book, "_writing", nullcontext())
    monkeypatch.setattr(rule_book, "TRIES", 200)
    gate = threading.Barrier(len(books))

    def put(at: int) -> list[str]:
        found = []
        for number in range(3):
            gate.wait(timeout=60)
            found.append(attempt(books[at], f"r{number}", EVERY | {"symbol": f"S{at}"}))
        return found

    with ThreadPoolExecutor(len(books)) as pool:
        assert set(chain.from_iterable(pool.map(put, range(len(books))))) == {"stored"}
    assert [kept.rule.rule_id for kept in books[0].all()] == ["r0", "r1", "r2"]


def test_an_index_that_lags_hides_no_rule_from_the_bound() -> None:
    """The attack of one PUT after another: each id enabled for one symbol and off for another."""
    aws = Aws()
    LateIndex(aws)
    book = book_over(aws)
    seen = Counter(attempt(book, f"a{number}", EVERY) for number in range(MAX_RULES + 10))
    assert seen == {"stored": MAX_RULES, "Conflict": 10}
    for number in range(30):
        book.replace(f"h{number}", EVERY | {"symbol": "ZZZ", "enabled": False})
        assert attempt(book, f"h{number}", EVERY) == "Conflict"
    assert enabled_of(aws, "AAPL") == MAX_RULES


def test_a_rule_that_moves_to_another_symbol_leaves_nothing_behind() -> None:
    aws = Aws()
    LateIndex(aws)
    book = book_over(aws)
    for symbol in "ABCD":
        _, is_new = book.replace("one", EVERY | {"symbol": symbol})
        assert is_new == (symbol == "A")
    assert [key for key in aws.tables["rules"].items if key[1] == "one"] == [("D", "one")]


def stored_before(aws: Aws, symbol: str, rule_id: str, enabled: bool = True) -> None:
    """Store a rule as the previous version did: an item, without a book."""
    item = item_of(
        kind="rule", symbol=symbol, rule_id=rule_id, condition="every_record", enabled=enabled
    )
    aws.tables["rules"].put(item)


def test_rules_that_an_older_version_stored_count_are_shown_and_go() -> None:
    aws = Aws()
    for number in range(60):
        stored_before(aws, "AAPL", f"h{number:03d}")
        stored_before(aws, "ZZZ", f"h{number:03d}", enabled=False)
    book = book_over(aws)
    assert attempt(book, "new", EVERY) == "Conflict"
    assert len(book.all()) == 120
    assert len({(kept.rule.symbol, kept.rule.rule_id) for kept in book.all()}) == 120
    for number in range(11):
        book.remove(f"h{number:03d}")
    assert (enabled_of(aws, "AAPL"), enabled_of(aws, "ZZZ"), len(book.all())) == (49, 0, 98)
    assert attempt(book, "new", EVERY) == "stored"
    with pytest.raises(Unknown):
        book.remove("h000")


def test_writes_of_an_older_version_during_a_deployment_count() -> None:
    aws = Aws()
    book = book_over(aws)
    book.replace("mine", EVERY)
    book.replace("theirs", EVERY)
    for number in range(MAX_RULES - 2):
        stored_before(aws, "AAPL", f"old{number}")
    stored_before(aws, "AAPL", "mine", enabled=False)
    aws.tables["rules"].remove(("AAPL", "theirs"))
    assert [attempt(book, f"n{number}", EVERY) for number in range(3)] == [
        "stored", "stored", "Conflict"
    ]  # fmt: skip
    assert enabled_of(aws, "AAPL") == MAX_RULES


def test_an_id_under_more_symbols_than_a_transaction_takes_is_removed_whole() -> None:
    aws = Aws()
    for number in range(MAX_REMOVED + 30):
        stored_before(aws, f"S{number}", "many")
    book = book_over(aws)
    book.replace("many", EVERY)
    assert [key for key in aws.tables["rules"].items if key[1] == "many"] == [("AAPL", "many")]
    for number in range(MAX_REMOVED + 30):
        stored_before(aws, f"S{number}", "many")
    book.remove("many")
    assert list(aws.tables["rules"].items) == [("#book", "#book")]


def test_a_writer_that_keeps_losing_gets_retry_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    book = book_over(Aws())
    monkeypatch.setattr(rule_book, "LONGEST_PAUSE_SECONDS", 0)
    monkeypatch.setattr(book._store, "write", lambda *_: False)
    with pytest.raises(Contended, match="send the request again"):
        book.replace("mine", EVERY)


def test_too_many_rules_can_still_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    aws = Aws()
    for number in range(6):
        stored_before(aws, "AAPL", f"h{number}")
    monkeypatch.setattr(rule_book, "MAX_STORED", 5)
    book = book_over(aws)
    assert attempt(book, "h3", EVERY | {"enabled": False}) == "stored"
    assert attempt(book, "new", EVERY | {"symbol": "MSFT"}) == "Conflict"
