"""Certificates of receivers."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from chalicelib.adapters import outbound_http
from chalicelib.adapters.webhook import Webhook
from chalicelib.domain.channel_secrets import Secrets
from chalicelib.domain.deliveries import Passing
from chalicelib.domain.messages import Message


def signed_by_itself(folder: Path) -> Path:
    """A certificate for 127.0.0.1 with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "certificate.pem"
    path.write_bytes(private + made.public_bytes(pem))
    return path


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return signed_by_itself(tmp_path)


@pytest.fixture
def port(certificate: Path) -> Iterator[int]:
    """A server with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Each test has a context of its own."""
    outbound_http._tls.cache_clear()
    yield
    outbound_http._tls.cache_clear()


def webhook(host: str, port: int) -> Webhook:
    return Webhook(Secrets(f"https://{host}:{port}/", "s" * 20), lambda _: True)


def test_a_certificate_that_no_authority_signed_is_refused(port: int, message: Message) -> None:
    with pytest.raises(Passing, match="certificate is not valid"):
        webhook("127.0.0.1", port).send(message)


def test_a_certificate_for_another_host_is_refused(
    port: int, certificate: Path, monkeypatch: pytest.MonkeyPatch, message: Message
) -> None:
    monkeypatch.setattr(outbound_http, "where", lambda: str(certificate))
    with pytest.raises(Passing, match="certificate is not valid"):
        webhook("localhost", port).send(message)


def test_authorities_are_read_once(
    port: int, certificate: Path, monkeypatch: pytest.MonkeyPatch, message: Message
) -> None:
    asked: list[Path] = []

    def where() -> str:
        asked.append(certificate)
        return str(certificate)

    monkeypatch.setattr(outbound_http, "where", where)
    for _ in range(3):
        webhook("127.0.0.1", port).send(message)
    assert len(asked) == 1
