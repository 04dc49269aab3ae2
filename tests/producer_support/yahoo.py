"""A stand-in for Yahoo: TLS under a CA of the test, behind a CONNECT proxy.

The producer's process finds the stand-in by HTTPS_PROXY and trusts it by the variables for CA
bundles. No part of yfinance is replaced. Answers have the form of Yahoo's chart endpoint.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NAMES = ("yahoo.com", "fc.yahoo.com", "*.finance.yahoo.com", "guce.yahoo.com", "*.yahoo.com")
Answer = tuple[int, object]
"""An HTTP status, and a JSON value or text."""


def make_certificates(folder: Path) -> tuple[Path, Path]:
    """Create a CA, and a certificate chain for Yahoo's names. Return (CA file, chain file)."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = _certificate("Test CA", ca_key.public_key(), "Test CA", ca_key, None)
    leaf = _certificate("yahoo.com", key.public_key(), "Test CA", ca_key, NAMES)
    pem = serialization.Encoding.PEM
    ca_file, chain = folder / "ca.pem", folder / "chain.pem"
    ca_file.write_bytes(ca.public_bytes(pem))
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain.write_bytes(private + leaf.public_bytes(pem) + ca.public_bytes(pem))
    return ca_file, chain


def _certificate(
    subject: str, public: Any, issuer: str, signer: Any, names: tuple[str, ...] | None
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=names is None, path_length=None), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )
    if names is not None:
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        builder = builder.add_extension(alternatives, critical=False)
        builder = builder.add_extension(usage, critical=False)
    return builder.sign(signer, hashes.SHA256())


def meta(symbol: str, price: float, at: float, **more: object) -> dict[str, object]:
    """Return the metadata of a chart."""
    made: dict[str, object] = {
        "currency": "USD",
        "symbol": symbol,
        "exchangeName": "NMS",
        "instrumentType": "EQUITY",
        "regularMarketTime": int(at),
        "exchangeTimezoneName": "America/New_York",
        "timezone": "EST",
        "gmtoffset": -18000,
        "regularMarketPrice": price,
        "regularMarketDayHigh": price + 2,
        "regularMarketDayLow": price - 2,
        "regularMarketVolume": 1_000_000 + int(price),
        "previousClose": price - 1,
        "chartPreviousClose": price - 1,
        "priceHint": 2,
        "dataGranularity": "1m",
        "tradingPeriods": [[_whole_day(at - 86_400)], [_whole_day(at)]],
        "range": "1d",
        "validRanges": ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"],
    }
    return made | more


def _whole_day(at: float) -> dict[str, object]:
    """Return a trading period from midnight to midnight in New York."""
    local = datetime.fromtimestamp(at, ZoneInfo("America/New_York"))
    start = local.replace(hour=0, minute=0, second=0, microsecond=0)
    end = start + timedelta(days=1, seconds=-1)
    times = {"start": int(start.timestamp()), "end": int(end.timestamp())}
    return {"timezone": "EST", "gmtoffset": -18000, **times}


def chart(
    facts: dict[str, object],
    starts: list[int],
    prices: list[float],
    events: dict[str, object] | None = None,
) -> Answer:
    """Return a chart: one bar at each start, a cent wide above and below its price."""
    quote = {
        "open": prices,
        "high": [price + 0.01 for price in prices],
        "low": [price - 0.01 for price in prices],
        "close": prices,
        "volume": [100] * len(prices),
    }
    result: dict[str, object] = {"meta": facts, "indicators": {"quote": [quote if starts else {}]}}
    if starts:
        result["timestamp"] = starts
    if events:
        result["events"] = events
    return 200, {"chart": {"result": [result], "error": None}}


def failure(status: int, code: str, description: str) -> Answer:
    """Return an answer in which Yahoo reports an error."""
    return status, {"chart": {"result": None, "error": {"code": code, "description": description}}}


class StandIn:
    """Answers requests with `chart_of(symbol, query)`, and hands out a cookie and a crumb.

    `requests` holds (time, path) of all requests. If `crumb` changes, the old one is invalid.
    """

    def __init__(self, folder: Path) -> None:
        self.ca_file, chain = make_certificates(folder)
        self.requests: list[tuple[float, str]] = []
        self.crumb = "crumb1"
        self.needs_crumb = False
        self.chart_of: Callable[[str, dict[str, str]], Answer] = self.moving
        self._cache = folder / "cache"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        stand_in = self

        class Handler(_Yahoo):
            yahoo = stand_in

        self._server = _Quiet(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._proxy = socket.create_server(("127.0.0.1", 0))

    def moving(self, symbol: str, query: dict[str, str]) -> Answer:
        """Return a known symbol's chart, whose price follows the clock, with the period's bars."""
        now = time.time()
        facts = meta(symbol, round(100 + now % 10, 2), now)
        if query["interval"] == "1d":
            today = int(now) // 86_400 * 86_400 + 14 * 3600 + 1800
            starts = [today - 86_400 * day for day in range(9, 0, -1)]
        else:
            minute = int(now) // 60 * 60
            starts = [minute - 60 * back for back in range(9, -1, -1)]
        return chart(facts, starts, [100 + number / 10 for number in range(len(starts))])

    @property
    def variables(self) -> dict[str, str]:
        """Return the environment variables with which a process takes the stand-in for Yahoo."""
        ca = str(self.ca_file)
        proxy = f"http://127.0.0.1:{self._proxy.getsockname()[1]}"
        return {
            "HTTPS_PROXY": proxy,
            "https_proxy": proxy,
            "NO_PROXY": "",
            "REQUESTS_CA_BUNDLE": ca,
            "CURL_CA_BUNDLE": ca,
            "SSL_CERT_FILE": ca,
            "XDG_CACHE_HOME": str(self._cache),
        }

    def __enter__(self) -> StandIn:
        self._cache.mkdir(exist_ok=True)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._proxy.close()

    def charts(self) -> list[tuple[float, str]]:
        """Return the time and symbol of each request for a chart."""
        marker = "/v8/finance/chart/"
        return [
            (at, unquote(path.partition(marker)[2].partition("?")[0]))
            for at, path in self.requests
            if marker in path
        ]

    def answer(self, path: str) -> Answer:
        """Return Yahoo's answer to a GET request."""
        self.requests.append((time.time(), path))
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/v1/test/getcrumb":
            return 200, self.crumb
        if parts.path.startswith("/v8/finance/chart/"):
            if self.needs_crumb and query.get("crumb") != self.crumb:
                return failure(401, "Unauthorized", "Invalid Crumb")
            return self.chart_of(unquote(parts.path.rpartition("/")[2]), query)
        return 404, "nothing here"

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._proxy.accept()
            except OSError:
                return  # the socket is closed: the test is over
            threading.Thread(target=self._tunnel, args=(client,), daemon=True).start()

    def _tunnel(self, client: socket.socket) -> None:
        """Connect a CONNECT request for any host to the stand-in."""
        head = b""
        while b"\r\n\r\n" not in head:
            piece = client.recv(4096)
            if not piece:
                client.close()
                return
            head += piece
        if not head.startswith(b"CONNECT "):
            client.sendall(b"HTTP/1.1 405 Only CONNECT\r\n\r\n")
            client.close()
            return
        upstream = socket.create_connection(("127.0.0.1", self._server.server_port))
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        threading.Thread(target=_pump, args=(client, upstream), daemon=True).start()
        _pump(upstream, client)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65_536):
            sink.sendall(data)
    except OSError:
        pass  # either side has gone; the other is closed below
    finally:
        for end in (source, sink):
            end.close()


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that leave or are killed, which tests do on purpose."""


class _Yahoo(BaseHTTPRequestHandler):
    yahoo: StandIn
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        status, content = self.yahoo.answer(self.path)
        body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.path == "/":
            self.send_header(
                "Set-Cookie",
                "A3=d=test; Domain=.yahoo.com; Path=/; Max-Age=31536000; Secure; HttpOnly",
            )
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log no requests."""
