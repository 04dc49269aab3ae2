"""A page of another site, in a real browser, against the ports of a running system."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from embedded_aws.http_server import Server
from rigs.running_system import System
from tests.local_support.aws import clients_of

EVIL = "evil.attacker.test"
"""A name that resolves to 127.0.0.1, as that of any site may."""

ARCHIVE = "ticktape-local-archive"
ATTACKS = """async ([target, key]) => {
    const signed = {Authorization:
        `AWS4-HMAC-SHA256 Credential=${key}/20260101/us-east-1/s3/aws4_request, Signature=x`};
    const presigned = `?X-Amz-Credential=${key}/20260101/us-east-1/s3/aws4_request`;
    const json = {"X-Amz-Target": "DynamoDB_20120810.ListTables"};
    const plain = {method: "POST", mode: "no-cors", body: "{}"};
    const attempts = [
        ["/"],
        ["/", {headers: signed}],
        [`/${presigned}`],
        ["/", {method: "POST", headers: json, body: "{}"}],
        ["/moto-api/data.json"],
        ["/moto-api/reset", plain],
        ["/ARCHIVE/planted", {method: "PUT", body: "x", headers: signed}],
        [`/ARCHIVE/planted${presigned}`, {method: "POST", mode: "no-cors", body: "x"}],
    ];
    const read = [];
    for (const [path, options] of attempts) {
        try {
            const answer = await fetch(target + path, options);
            if (answer.ok || (await answer.text())) read.push(path);
        } catch { /* refused, or its answer kept from the page */ }
    }
    const image = new Image();
    await new Promise((done) => {
        image.onload = image.onerror = done;
        image.src = `${target}/ARCHIVE/${presigned}`;
    });
    return read;
}""".replace("ARCHIVE", ARCHIVE)


class _Open(BaseHTTPRequestHandler):
    """A page for every path, which every origin may read; notes who asked for what."""

    seen: list[tuple[str, str]]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def _answer(self) -> None:
        self.seen.append((self.command, self.path))
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        for header in ("Origin", "Headers", "Methods"):
            self.send_header(f"Access-Control-Allow-{header}", "*")
        self.send_header("Access-Control-Allow-Headers", "Authorization, X-Amz-Target")
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>page</title>open")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Requests are not logged."""


def open_server() -> tuple[Server, list[tuple[str, str]]]:
    seen: list[tuple[str, str]] = []
    server = Server(0)
    server.start(type("Open", (_Open,), {"seen": seen}))
    return server, seen


@pytest.fixture
def evil(browser: Browser) -> Iterator[Page]:
    """A page of the other site, which may use the local network as it likes."""
    server, _ = open_server()
    context = browser.new_context(permissions=["local-network-access"])
    page = context.new_page()
    page.goto(f"http://{EVIL}:{server.port}/")
    yield page
    context.close()
    server.stop()


def test_another_sites_page_reads_and_changes_nothing_through_the_emulators_port(
    evil: Page, system: System
) -> None:
    aws = clients_of(system.aws, system.keys)
    before = json.dumps(aws("dynamodb").list_tables()["TableNames"])
    unprotected, seen = open_server()
    control = evil.evaluate(ATTACKS, [unprotected.address, "KEY"])
    unprotected.stop()
    assert {"/", "/moto-api/data.json", f"/{ARCHIVE}/planted"} <= set(control)
    assert ("POST", "/moto-api/reset") in seen  # so the browser itself stops none of it
    assert evil.evaluate(ATTACKS, [system.aws, system.keys.access_key]) == []
    assert json.dumps(aws("dynamodb").list_tables()["TableNames"]) == before
    assert "ticktape-local-prices" in before
    found = aws("s3").list_objects_v2(Bucket=ARCHIVE, Prefix="planted")
    assert found["KeyCount"] == 0


def test_a_name_that_was_rebound_to_this_machine_is_not_served(evil: Page, system: System) -> None:
    """The page has the port's own origin then, so that the browser sends no Origin."""
    port = system.aws.rpartition(":")[2]
    answer = evil.goto(f"http://{EVIL}:{port}/")
    assert answer is not None
    assert answer.status == 421
    assert evil.evaluate(ATTACKS, [f"http://{EVIL}:{port}", system.keys.access_key]) != []  # errors
    found = evil.evaluate(
        "async (address) => (await fetch(address)).status", f"http://{EVIL}:{port}/{ARCHIVE}"
    )
    assert found == 421
    keys = clients_of(system.aws, system.keys)("s3").list_objects_v2(Bucket=ARCHIVE)
    assert not [one for one in keys.get("Contents", []) if "planted" in one["Key"]]
