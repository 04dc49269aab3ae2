"""A producer claims symbols while it receives their prices, and their other source is in force."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.sources import parse_sources
from producer.claims import CLAIM_SECONDS, STEADY_SECONDS, Claims, asked, claims_of
from producer.errors import ProducerError, UsageError
from producer.sources.pushed.http import Http
from producer.status import Status
from producer.wire import WireTick
from tests.factories import at


class World:
    """A producer, its claims, and what the API answers."""

    def __init__(self, own: str) -> None:
        self.seconds = 0.0
        self.told: list[str] = []
        self.asked: list[list[str]] = []
        self.failure: Exception | None = None
        status = Status(lambda _event, text: self.told.append(text))
        self.claims = Claims(own, self._ask, status, lambda: self.seconds)
        self.own = own

    def _ask(self, source: str, symbols: Sequence[str]) -> Sequence[str]:
        assert source == self.own
        self.asked.append(list(symbols))
        if self.failure:
            raise self.failure
        return symbols

    def learn(self, text: str, *symbols: str, standby: str | None = "300,alpaca,yfinance") -> None:
        first, switches = parse_sources(text).parts()
        given = {"source": first, "switches": switches, "standby": standby}
        item = {name: {"S": value} for name, value in given.items() if value is not None}
        names = symbols or ("AAPL",)
        self.claims.plans.learn([{**item, "symbol": {"S": name}} for name in names])

    def hear(self, until: float, step: float = 15, **fields: Any) -> None:
        """Receive ticks until a second, and have what is not in force dropped."""
        while self.seconds < until:
            self.seconds += step
            tick = WireTick(symbol="AAPL", timestamp=at(self.seconds), price=Decimal(1), **fields)
            self.claims.plans.refuses(tick)


def test_a_standby_claims_what_it_has_had_prices_of_for_long_enough() -> None:
    world = World("yfinance")
    world.learn("alpaca")
    assert not world.claims.plans.is_anothers("AAPL")
    world.hear(300)
    assert world.claims.due() == []
    world.hear(330)
    assert world.claims.due() == ["AAPL"]
    world.claims.claim()
    assert world.asked == [["AAPL"]]
    assert world.told == ["AAPL: yfinance has its turn soon"]
    world.learn(f"alpaca,{at(720)} yfinance;silent")
    assert world.claims.due() == []


def test_silence_of_the_standby_itself_begins_its_run_again() -> None:
    """After a night, both may send again at the open."""
    world = World("yfinance")
    world.learn("alpaca")
    world.hear(330)
    world.seconds = 60_000
    assert world.claims.due() == []
    world.hear(60_300)
    assert world.claims.due() == []
    world.hear(60_330)
    assert world.claims.due() == ["AAPL"]


def test_a_first_source_claims_its_symbol_back_once_it_is_steady() -> None:
    world = World("alpaca")
    world.learn(f"alpaca,{at(720)} yfinance;silent")
    assert not world.claims.plans.is_anothers("AAPL")
    world.hear(STEADY_SECONDS)
    assert world.claims.due() == []
    world.hear(STEADY_SECONDS + 30)
    assert world.claims.due() == ["AAPL"]


@pytest.mark.parametrize(
    "fields", [{"bar": "1m", "mode": "backfill"}, {"mode": "backfill"}, {"bar": "1d"}]
)
def test_history_does_not_show_that_a_source_is_alive(fields: dict[str, Any]) -> None:
    world = World("yfinance")
    world.learn("alpaca")
    world.hear(400, **fields)
    assert world.claims.due() == []


def test_others_symbols_are_not_claimed() -> None:
    world = World("coinbase")
    world.learn("alpaca")
    assert world.claims.plans.is_anothers("AAPL")
    world.hear(400)
    assert world.claims.due() == []
    other = World("yfinance")
    other.learn("alpaca", standby=None)
    assert other.claims.plans.is_anothers("AAPL")


def test_a_failed_claim_is_reported_and_repeated() -> None:
    world = World("yfinance")
    world.learn("alpaca")
    world.hear(330)
    for failure in (OSError("no route"), ProducerError("the API answers 503")):
        world.failure = failure
        world.claims.claim()
    world.failure = None
    world.claims.claim()
    assert len(world.asked) == 3
    assert "symbols cannot be claimed for yfinance: no route" in world.told[0]


def test_claims_are_made_in_requests_of_a_hundred() -> None:
    world = World("yfinance")
    names = [f"A{n}" for n in range(150)]
    world.learn("alpaca", *names)
    for world.seconds in (0, 300, 301):
        for name in names:
            world.claims.heard(name)
    world.claims.claim()
    assert [len(one) for one in world.asked] == [100, 50]


def test_claims_stop_with_the_producer() -> None:
    stop = threading.Event()
    stop.set()
    World("yfinance").claims.run(stop)
    assert CLAIM_SECONDS >= 10


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"TICKTAPE_API_URL": "https://a"}, "together"),
        ({"TICKTAPE_TOKEN": "x"}, "together"),
        ({"TICKTAPE_API_URL": "http://example.com", "TICKTAPE_TOKEN": "x"}, "https"),
        ({"TICKTAPE_API_URL": "http://localhost:1@example.com", "TICKTAPE_TOKEN": "x"}, "https"),
    ],
)
def test_the_api_and_its_key_are_named_together(environ: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        claims_of("yfinance", Status(lambda *_: None), environ)


def test_without_them_a_producer_follows_its_own_symbols_alone() -> None:
    assert claims_of("yfinance", Status(lambda *_: None), {}) is None
    both = {"TICKTAPE_API_URL": "http://127.0.0.1:1", "TICKTAPE_TOKEN": "x"}
    assert claims_of("yfinance", Status(lambda *_: None), both) is not None


@pytest.fixture(name="api")
def running_api() -> Iterator[tuple[str, list[Any], list[tuple[int, bytes]]]]:
    """An API's address, what it was asked, and its next answers."""
    received: list[Any] = []
    answers: list[tuple[int, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            received.append((self.path, self.headers["Authorization"], body))
            status, text = answers.pop(0)
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/", received, answers
        server.shutdown()
        thread.join()


def test_the_api_is_asked_with_the_key(
    api: tuple[str, list[Any], list[tuple[int, bytes]]],
) -> None:
    url, received, answers = api
    told = [{"symbol": "A", "granted": True}, {"symbol": "B", "granted": False, "reason": "no"}]
    answers.append((200, json.dumps({"symbols": told}).encode()))
    assert asked(url, "secret", "yfinance", ["A", "B"]) == ["A"]
    given = {"source": "yfinance", "symbols": ["A", "B"]}
    assert received == [("/standby", "Bearer secret", given)]
    deep, odd = b'{"symbols":' + b"[" * 100_000, b'{"symbols":[{"symbol":"\xff"}]}'
    for answer in (
        (200, b"{}"),
        (200, b"["),
        (200, deep),
        (200, odd),
        (403, b""),
        (307, b""),
        (429, b""),
    ):
        answers.append(answer)
        with pytest.raises(ProducerError) as error:
            asked(url, "secret", "yfinance", ["A"])
        assert "secret" not in str(error.value)


@pytest.fixture
def netrc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Another password for this machine."""
    path = tmp_path / "netrc"
    path.write_text("machine 127.0.0.1 login other password other")
    monkeypatch.setenv("NETRC", str(path))


@pytest.mark.usefixtures("netrc")
def test_the_key_passes_no_proxy_and_is_not_replaced(
    api: tuple[str, list[Any], list[tuple[int, bytes]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, received, answers = api
    answers.append((200, b'{"symbols": []}'))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert asked(url, "secret", "yfinance", ["A"]) == []
    assert [key for _, key, _ in received] == ["Bearer secret"]


@pytest.mark.usefixtures("netrc")
def test_the_key_is_not_replaced_on_its_way_by_a_proxy(
    api: tuple[str, list[Any], list[tuple[int, bytes]]],
) -> None:
    """An address with https may be reached by a proxy, so the environment counts there."""
    url, received, answers = api
    answers.append((200, b""))
    http = Http("the API", url, {"Authorization": "Bearer secret"})
    http._session.trust_env = True
    http.post("/standby", {})
    assert [key for _, key, _ in received] == ["Bearer secret"]
