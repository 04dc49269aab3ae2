"""A small fake of the API, for states into which the real system cannot be put.

Tests set errors, an API that does not answer, stale data or a closed market on `StandIn`. Prices
are a sum of sines of the time, so that all answers are consistent.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

FRONTEND = Path(__file__).resolve().parents[1] / "frontend"
LENGTHS = {"1m": 60, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600, "1d": 86400, "1wk": 604800}
PERIODS = {"1d": 1, "5d": 5, "1mo": 30, "3mo": 91, "6mo": 182, "1y": 365, "5y": 1826, "max": 1826}
NAMES = tuple("ACME BOLT CRUX DYNE EPIC FLUX GRIT HALO IRIS JADE KITE LUMA".split())  # noqa: SIM905

TOPIC = {
    "channel_id": "sns",
    "name": "SNS topic",
    "kind": "sns",
    "service": "sns",
    "enabled": True,
    "default": True,
    "picture": False,
    "limit": None,
    "digest": "as_it_happens",
    "quiet_hours": [],
}


def text_of(seconds: float) -> str:
    """Format epoch seconds as RFC 3339 with six digits of seconds."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def price_at(symbol: str, seconds: float) -> float:
    """Return a symbol's price at any time. It is a pure function of symbol and time."""
    seed = 40 + 13 * (sum(map(ord, symbol)) % 17)
    waves = ((0.03, 86400.0), (0.012, 9000.0), (0.005, 1500.0), (0.002, 210.0), (0.001, 17.0))
    return round(seed * (1 + sum(a * math.sin(seconds / p * 6.28 + seed) for a, p in waves)), 2)


def problem(status: int, title: str, **more: str) -> tuple[int, dict[str, Any]]:
    """Return the status and the body of an error."""
    return status, {"type": "about:blank", "title": title, "status": status, **more}


NOT_FOUND = problem(404, "Not found")


@dataclass
class StandIn:
    """The state of the fake API: it makes the answers and records the requests."""

    api: str = ""
    page: str = ""
    symbols: list[str] = field(default_factory=lambda: list(NAMES))
    market_state: str = "REGULAR"
    next_open: str | None = None
    age_seconds: float = 0.0
    exchange_delay_seconds: float = 0.0
    source: str = "simulator"
    failing: int = 0
    detect_lag_seconds: int = 0
    deliver_lag_seconds: int = 0
    stopped_at: float | None = None
    poll_seconds: float = 0.5
    max_age: int | None = None
    token: str = ""
    scopes: str = "read"
    asked: list[str] = field(default_factory=list)
    producer: dict[str, Any] | None = None
    without_prices: set[str] = field(default_factory=set)
    only_days: set[str] = field(default_factory=set)
    begins: float = 0.0
    away: bool = False
    rules: list[dict[str, Any]] | None = None
    would_fire: list[float] = field(default_factory=list)
    """Times at which every previewed rule would have fired."""
    written: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    """Method, path and body of each request that is not a GET."""

    fixed: dict[str, Any] = field(default_factory=dict)
    alerts: list[dict[str, Any]] = field(default_factory=list)

    deliveries: list[dict[str, Any]] = field(default_factory=list)
    """The deliveries that every alert lists."""

    def fire(self, symbol: str, condition: str, **values: float) -> None:
        """Add an alert that fires now to the listed alerts. `values` are the values that fired
        it."""
        now = self.now()
        alert = {
            "alert_id": f"{len(self.alerts):024x}",
            "rule_id": f"default-{condition}",
            "symbol": symbol,
            "timestamp": text_of(now),
            "condition": condition,
            "interval": "tick",
            "price": price_at(symbol, now),
            "values": values,
            "message": f"{symbol} {condition}",
            "source": self.source,
            "quiet": None,
            "held": [],
            "notified_at": text_of(now),
        }
        self.alerts.insert(0, alert)

    def fix(self, bars: int) -> None:
        """Answer every request for prices with the same minute bars from now on. The bars are
        generated once."""
        end = int(self.now()) // 60 * 60
        symbol = self.symbols[0]
        rows = [self.bar(symbol, end - 60 * i, 60) for i in range(bars, 0, -1)]
        self.fixed = {**self.prices(symbol, {"limit": "1"})[1], "interval": "1m", "prices": rows}

    def now(self) -> float:
        """Return the time of the newest tick, in seconds since the epoch."""
        return (self.stopped_at or time.time()) - self.age_seconds

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Return the status and the body that answer a GET request."""
        if self.failing:
            return problem(self.failing, "Unavailable")
        if path == "/health":
            lags = ("detect_lag_seconds", "deliver_lag_seconds")
            told = {name: getattr(self, name) for name in lags}
            return 200, {"status": "ok", "producer": self.producer} | told
        if path == "/symbols":
            listed = [{"symbol": s, "name": f"{s.title()} Works"} for s in self.symbols]
            return 200, {"symbols": listed}
        if path == "/quotes":
            there = set(self.symbols) - self.without_prices - self.only_days
            asked = [s for s in query["symbols"].split(",") if s in there]
            return 200, {"quotes": [self.quote(s) for s in asked]}
        if path.startswith("/prices/"):
            if self.fixed:
                newest_first = query.get("sort") == "desc"
                return 200, {
                    **self.fixed,
                    "prices": self.fixed["prices"][:: -1 if newest_first else 1],
                }
            return self.prices(unquote(path.removeprefix("/prices/")), query)
        if path == "/openapi.json":
            paths = ["/quotes", "/prices/{symbol}", *self.rule_paths]
            return 200, {"openapi": "3.1.0", "paths": {path: {} for path in paths}}
        if path == "/alerts":
            symbol = query.get("symbol")
            fired = [one for one in self.alerts if symbol in (None, one["symbol"])]
            return 200, {"alerts": fired[: int(query["limit"])], "next_page_token": None}
        if path.startswith("/alerts/"):
            named = [one for one in self.alerts if path.endswith(f"/{one['alert_id']}")]
            return (200, named[0] | {"deliveries": self.deliveries}) if named else NOT_FOUND
        return self.rules_or_nothing(path)

    @property
    def rule_paths(self) -> list[str]:
        """Return the paths of the rules' routes; an empty list without rules."""
        return [] if self.rules is None else ["/rules", "/channels"]

    def rules_or_nothing(self, path: str) -> tuple[int, dict[str, Any]]:
        """Return the rules, one rule or the channels, if rules are set; else status 404."""
        if path == "/rules" and self.rules is not None:
            return 200, {"rules": self.rules}
        if path == "/channels" and self.rules is not None:
            return 200, {"channels": [TOPIC]}
        named = [one for one in self.rules or () if path == f"/rules/{one['rule_id']}"]
        return (200, named[0]) if named else NOT_FOUND

    def write(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Change or preview rules. Return the status and the body."""
        self.written.append((method, path, body))
        if path == "/rules/preview":
            alerts = [{"timestamp": text_of(at)} for at in self.would_fire]
            return 200, {"alerts": alerts, "judged": 100, "complete": True}
        rule_id = path.removeprefix("/rules/") if method != "POST" else f"{len(self.written):016x}"
        kept = [one for one in self.rules or () if one["rule_id"] != rule_id]
        rule = {**body, "rule_id": rule_id, "default": False}
        self.rules = kept if method == "DELETE" else [*kept, rule]
        return (204, {}) if method == "DELETE" else (201 if method == "POST" else 200, rule)

    def quote(self, symbol: str) -> dict[str, Any]:
        """Return a symbol's quote, as the route `/quotes` has it."""
        now = self.now()
        price, previous = price_at(symbol, now), price_at(symbol, now - now % 86400)
        return {
            "symbol": symbol,
            "timestamp": text_of(now),
            "price": price,
            "previous_close": previous,
            "change": round(price - previous, 2),
            "change_percent": round(100 * (price - previous) / previous, 2),
            "volume": int(now % 86400) * 10,
            "currency": "USD",
            "exchange_timezone": "UTC",
            "market_state": self.market_state,
            "next_open": self.next_open,
            "source": self.source,
            "is_stale": self.age_seconds - self.exchange_delay_seconds > 900,
            "delay_seconds": self.age_seconds,
            "exchange_delay_seconds": self.exchange_delay_seconds,
            "alerted_at": next(
                (a["timestamp"] for a in self.alerts if a["symbol"] == symbol), None
            ),
        }

    def prices(self, symbol: str, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Answer a request for prices: return status and bars (or ticks); 404 for an unknown
        symbol."""
        if symbol not in self.symbols:
            return problem(404, "Not found", detail=f"No symbol {symbol}.")
        start, end = self._range(query)
        start = end if symbol in self.without_prices else max(start, self.begins)
        interval = query.get("interval", "auto")
        days = symbol in self.only_days
        if interval == "tick":
            return self.ticks(symbol, end, int(query["limit"]))
        if interval == "auto":
            interval = (
                "1d" if days else next(i for i, n in LENGTHS.items() if (end - start) / n <= 400)
            )
        if days and interval != "1d":
            start = end
        length = LENGTHS[interval]
        begins = range(math.ceil(start / length) * length, math.ceil(end), length)
        limit = int(query.get("limit", 500))
        shown = list(begins)[-limit:][::-1] if query.get("sort") == "desc" else list(begins)[:limit]
        return 200, {
            "symbol": symbol,
            "interval": interval,
            "currency": "USD",
            "source": self.source,
            "adjustment": "raw",
            "as_of": text_of(time.time()),
            "is_stale": False,
            "market_state": self.market_state,
            "prices": [self.bar(symbol, t, length) for t in shown],
            "next_page_token": None,
        }

    def ticks(self, symbol: str, end: float, limit: int) -> tuple[int, dict[str, Any]]:
        """Return the status and the newest ticks before an instant. There is one tick each 15 s,
        the newest first."""
        times = [end - 0.001 - 15 * i for i in range(limit)]
        rows = [{"timestamp": text_of(at), "price": price_at(symbol, at)} for at in times]
        return 200, {"symbol": symbol, "interval": "tick", "prices": rows}

    def _range(self, query: dict[str, str]) -> tuple[float, float]:
        now = self.now()
        if "period" in query:
            return now - PERIODS[query["period"]] * 86400, now
        end = datetime.fromisoformat(query["end"]).timestamp() if "end" in query else now
        start = (
            datetime.fromisoformat(query["start"]).timestamp() if "start" in query else end - 2e7
        )
        return start, min(end, now)

    def bar(self, symbol: str, start: int, length: int) -> dict[str, Any]:
        """Return a bar, made from sixteen samples of the price."""
        end = min(start + length, self.now())
        samples = [price_at(symbol, start + (end - start) * i / 15) for i in range(16)]
        return {
            "timestamp": text_of(start),
            "open": samples[0],
            "high": max(samples),
            "low": min(samples),
            "close": samples[-1],
            "volume": int(500 + 400 * math.sin(start / 777)) * length // 60,
            "closed": end == start + length,
        }


class ApiHandler(BaseHTTPRequestHandler):
    """Serves the fake API over HTTP."""

    protocol_version = "HTTP/1.1"  # a page loads a hundred files: it keeps its connections
    disable_nagle_algorithm = True

    def __init__(self, world: StandIn, *args: Any) -> None:
        self.world = world
        super().__init__(*args)

    def do_OPTIONS(self) -> None:
        """Answer a preflight request: everything is allowed."""
        self.send_response(204)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Access-Control-Allow-Headers", "Authorization,Content-Type")
        self.send_header("Access-Control-Allow-Methods", "GET,POST,PUT,DELETE")
        self.end_headers()

    def do_GET(self) -> None:
        """Answer a GET request from the state that the test has set."""
        if self.world.away:
            self.close_connection = True
            return
        parts = urlsplit(self.path)
        self.world.asked.append(self.path)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        status, body = self.world.answer(parts.path, query)
        if self.world.token and self.headers["Authorization"] != f"Bearer {self.world.token}":
            status, body = problem(401, "Unauthorized")
        elif self.world.token and self.world.scopes != "read":
            status, body = problem(403, "Forbidden")
        self.send(status, body)

    def do_POST(self) -> None:
        """Answer a POST request, which changes or previews the rules."""
        given = self.rfile.read(int(self.headers["Content-Length"] or 0))
        body = json.loads(given or b"{}")
        self.send(*self.world.write(self.command, urlsplit(self.path).path, body))

    do_PUT = do_DELETE = do_POST  # noqa: N815 - names of http.server

    def send(self, status: int, body: dict[str, Any]) -> None:
        """Send an answer. If the status is 204, it has no body."""
        data = b"" if status == 204 else json.dumps(body).encode()
        self.send_response(status)
        self.send_header(
            "Content-Type", "application/json" if status < 300 else "application/problem+json"
        )
        self.send_header("Access-Control-Allow-Origin", "*")
        if self.world.max_age is not None:
            self.send_header("Cache-Control", f"public, max-age={self.world.max_age}")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        """Write no log: `StandIn.asked` holds the requests."""


class PageHandler(SimpleHTTPRequestHandler):
    """Serves the files of frontend/, and a /config.json."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, world: StandIn, *args: Any) -> None:
        self.world = world
        super().__init__(*args, directory=str(FRONTEND))

    def do_GET(self) -> None:
        """Answer with a file, or with the configuration that names the fake API."""
        if urlsplit(self.path).path != "/config.json":
            super().do_GET()
            return
        config = {"api": self.world.api, "stage": "test", "poll_seconds": self.world.poll_seconds}
        data = json.dumps(config).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        """Write no log."""


@contextmanager
def stand_in() -> Iterator[StandIn]:
    """Run the servers of API and page on free ports of 127.0.0.1; stop them on exit."""
    world = StandIn()
    servers = [
        ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, world))
        for handler in (ApiHandler, PageHandler)
    ]
    world.api, world.page = (f"http://127.0.0.1:{server.server_port}" for server in servers)
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield world
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
