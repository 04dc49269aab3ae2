"""Yahoo's answers, which come compressed."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from producer.sources import yahoo
from tests.patience import PATIENCE_SECONDS

yahoo_session = pytest.importorskip("producer.sources.yahoo_session")
MOST = 1_000_000
"""Bytes of an answer in these tests."""


class _Compressed(BaseHTTPRequestHandler):
    """Answers with as many zeros as the path says."""

    def do_GET(self) -> None:
        body = gzip.compress(b"0" * int(self.path[1:]))
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


def test_yfinance_asks_by_a_bounded_session() -> None:
    data = yahoo.library().data.YfData()
    assert isinstance(data._session, yahoo_session.BoundedSession)
