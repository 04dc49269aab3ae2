"""Yahoo's answers, which come compressed."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, unquote

import pytest

from producer.sources import yahoo
from producer.status import Status
from tests.patience import PATIENCE_SECONDS

yahoo_session = pytest.importorskip("producer.sources.yahoo_session")
MOST = 1_000_000
"""Bytes of an answer in these tests."""


class _Compressed(BaseHTTPRequestHandler):
    """Answers with as many zeros as the path says, or with what it says after them."""

    def do_GET(self) -> None:
        count, _, of = self.path[1:].partition("/")
        body = gzip.compress(unquote(of or "0").encode() * int(count))
        self.send_response(200)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Compressed) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("size", [0, 1, MOST])
def test_an_answer_within_the_bound_is_whole(
    address: str, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(yahoo_session, "MOST_BYTES", MOST)
    with yahoo_session.BoundedSession() as session:
        answer = session.get(f"{address}/{size}", timeout=PATIENCE_SECONDS)
    assert (answer.status_code, answer.content, answer.text) == (200, b"0" * size, "0" * size)


def test_an_answer_that_unpacks_to_more_is_an_error(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yahoo_session, "MOST_BYTES", MOST)
    with (
        yahoo_session.BoundedSession() as session,
        pytest.raises(yahoo_session.TooLarge, match="more than 1,000,000 bytes"),
    ):
        session.get(f"{address}/{100 * MOST}", timeout=PATIENCE_SECONDS)


@pytest.mark.parametrize("value", ["{},", "[", '{"":', "0,"])
def test_an_answer_of_many_values_is_an_error(
    address: str, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setattr(yahoo_session, "MOST_VALUES", 10_000)
    with yahoo_session.BoundedSession() as session:
        few = session.get(f"{address}/5000/{quote(value)}", timeout=PATIENCE_SECONDS)
        assert few.text == value * 5000
        with pytest.raises(yahoo_session.TooLarge, match="or 10,000 values"):
            session.get(f"{address}/10001/{quote(value)}", timeout=PATIENCE_SECONDS)


def test_messages_of_libraries_are_shortened() -> None:
    told: list[str] = []
    status = Status(lambda _event, message: told.append(message), verbose=True)
    status.problem("x" * 1_000_000)
    status.problem("no price", ValueError("y" * 1_000_000))
    assert max(map(len, told)) < 2_100


def test_yfinance_asks_by_a_bounded_session() -> None:
    data = yahoo.library().data.YfData()
    assert isinstance(data._session, yahoo_session.BoundedSession)
