"""`python -m local forget` over a server that answers as the API does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

import commands

KEPT = "; the archive keeps its records\n"


class _Api(BaseHTTPRequestHandler):
    """Answers with what the test has put in `answers`, and notes what was asked."""

    answers: list[tuple[int, dict[str, Any]]]
    asked: list[tuple[str, str | None]]

    def do_DELETE(self) -> None:
        self.asked.append((self.path, self.headers["Authorization"]))
        status, answer = self.answers.pop(0)
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Tests print nothing."""


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Api]]:
    handler = type("Api", (_Api,), {"answers": [], "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    facts = {"api": f"http://127.0.0.1:{server.server_address[1]}", "token": "secret"}
    monkeypatch.setattr("commands.forget_command.find_running", lambda options: facts)
    yield handler
    server.shutdown()
    server.server_close()


def _answer(prices: int, complete: bool) -> tuple[int, dict[str, Any]]:
    return 200, {"prices": prices, "bars": 2, "alerts": 1, "complete": complete}


def test_it_asks_until_everything_is_gone(
    api: type[_Api], capsys: pytest.CaptureFixture[str]
) -> None:
    api.answers += [_answer(5000, complete=False), _answer(30, complete=True)]
    assert commands.run("forget", ["es=f"]) == 0
    assert api.asked == [("/symbols/ES%3DF?data=true", "Bearer secret")] * 2
    assert capsys.readouterr().out == f"ES=F: deleted 5,030 prices, 4 bars and 2 alerts{KEPT}"


def test_a_refusal_is_one_line_and_status_one(
    api: type[_Api], capsys: pytest.CaptureFixture[str]
) -> None:
    api.answers += [(409, {"detail": "AAPL: its state is being written"}), _answer(1, True)]
    assert commands.run("forget", ["AAPL", "MSFT"]) == 1
    told = capsys.readouterr()
    assert told.err == "python -m local forget: AAPL: its state is being written\n"
    assert told.out == f"MSFT: deleted 1 price, 2 bars and 1 alert{KEPT}"


def test_an_invalid_symbol_is_refused_before_any_request(
    api: type[_Api], capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.run("forget", ["AAPL", "A/B"]) == 2
    assert api.asked == []
    assert capsys.readouterr().err.startswith("python -m local forget: symbol")
