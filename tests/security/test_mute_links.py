"""Links that mute need no key: what a forged, altered, foreign or old one can do, which is nothing,
and what a good one can do at most."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import re
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from chalicelib.api import page_tokens
from chalicelib.domain.mute_links import MAX_LINK, VALID_FOR, link_key, mute_line
from chalicelib.domain.mutes import MAX_MUTES
from chalicelib.services.delivery.mute_book import MAX_FROM_LINKS, MAX_REMOVED
from tests.api_support import NOW, SETTINGS, TOKEN, Answer, Client, FakeServices
from tests.factories import make_alert

PAGE = "https://ticktape.example"
SECRET = SETTINGS.write_token_sha256


def link(
    secret: str = SECRET, stage: str = SETTINGS.stage, now: datetime = NOW, **alert: Any
) -> str:
    key = link_key(secret, stage)
    zone = None if alert.get("symbol") == "BTC-USD" else "America/New_York"
    made = mute_line(make_alert(**alert), zone, PAGE, key, now)
    return made.value.partition("#mute=")[2] if made else ""


@pytest.fixture
def services() -> FakeServices:
    return FakeServices(msgspec.structs.replace(SETTINGS, read_access="closed"))


@pytest.fixture
def client(services: FakeServices) -> Client:
    return Client(services)


def follow(client: Client, given: object, **headers: str) -> Answer:
    body = {"link": given}
    return client.send(
        "POST", "/mutes/signed", body, {"content-type": "application/json", **headers}
    )


def test_a_link_mutes_its_symbol_until_the_open_and_nothing_else(
    client: Client, services: FakeServices
) -> None:
    answer = follow(client, link())
    assert answer.status == 201
    (mute,) = services.mutes.listed().entries
    assert answer.json["mute_id"] == mute.mute_id
    assert (mute.symbol, mute.rule_id, mute.recurring) == ("AAPL", None, None)
    assert mute.until == "2026-11-23T14:30:00.000000Z"


def test_a_repeated_link_changes_nothing_more(client: Client, services: FakeServices) -> None:
    first = follow(client, link()).json
    services.now += timedelta(hours=1)
    assert follow(client, link()).json == first
    assert len(services.mutes.listed().entries) == 1


def remove(client: Client, mute_id: str) -> int:
    bearer = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
    return client.send("DELETE", f"/mutes/{mute_id}", None, bearer).status


def test_the_links_of_many_messages_about_a_symbol_make_one_mute(
    client: Client, services: FakeServices
) -> None:
    texts = [link(now=NOW + timedelta(seconds=n)) for n in range(MAX_MUTES + 1)]
    assert len(set(texts)) == len(texts)
    assert {follow(client, text).status for text in texts} == {201}
    assert len(services.mutes.listed().entries) == 1


def test_the_later_end_of_two_links_of_a_symbol_stays(
    client: Client, services: FakeServices
) -> None:
    early, late = (link(now=NOW + timedelta(days=n), symbol="BTC-USD") for n in (0, 1))
    first, second = follow(client, early).json, follow(client, late).json
    assert first["until"] < second["until"]
    assert follow(client, early).json == second
    assert [mute.mute_id for mute in services.mutes.listed().entries] == [second["mute_id"]]


def test_a_removed_mute_is_not_made_again_by_its_links(
    client: Client, services: FakeServices
) -> None:
    made = follow(client, link()).json
    assert remove(client, made["mute_id"]) == 204
    other = link(now=NOW + timedelta(minutes=5))
    for text in (link(), other):
        refused = follow(client, text)
        assert (refused.status, services.mutes.listed().entries) == (409, [])
        assert refused.json["detail"] == (
            "the mute of AAPL was removed: its links do not make it again before"
            " 2026-11-23T14:30:00.000000Z"
        )
    assert remove(client, made["mute_id"]) == 404
    assert follow(client, link(symbol="MSFT")).status == 201
    services.now = NOW + timedelta(days=3)
    assert follow(client, link(now=services.now)).status == 201  # until the following open


def test_links_leave_half_of_the_places_to_others(client: Client, services: FakeServices) -> None:
    made = [follow(client, link(symbol=f"S{n}")).status for n in range(MAX_FROM_LINKS + 1)]
    assert made == [201] * MAX_FROM_LINKS + [409]
    assert follow(client, link(symbol="S0")).status == 201
    for _ in range(MAX_MUTES - MAX_FROM_LINKS):
        services.mutes.create({"symbol": "AAPL", "until": "until_open"})
    assert len(services.mutes.listed().entries) == MAX_MUTES


def test_removed_mutes_are_remembered_up_to_a_bound(client: Client, services: FakeServices) -> None:
    for n in range(MAX_REMOVED + 1):
        made = follow(client, link(symbol=f"S{n}"))
        assert remove(client, made.json["mute_id"]) == 204
    remembered = [follow(client, link(symbol=f"S{n}")).status for n in range(MAX_REMOVED + 1)]
    assert sorted(remembered) == [201] + [409] * MAX_REMOVED


def test_following_a_link_by_get_changes_nothing(client: Client, services: FakeServices) -> None:
    for path in (f"/mutes/signed?link={link()}", f"/mutes/{link()}", f"/mutes?link={link()}"):
        for method in ("GET", "HEAD"):
            assert client.send(method, path).status >= 400
    assert services.mutes.listed().entries == []


def altered(text: str) -> list[str]:
    flipped = [
        text[:n] + ("A" if text[n] != "A" else "B") + text[n + 1 :] for n in range(len(text))
    ]
    cut = [text[:n] for n in range(0, len(text), 5)]
    return [*flipped, *cut, text + "A", text + "=", text + "\n", f" {text}", text + "é", text * 9]


def test_an_altered_link_is_refused(client: Client, services: FakeServices) -> None:
    for text in altered(link()):
        answer = follow(client, text)
        assert (answer.status, answer.json["field"]) == (400, "link"), text
    assert services.mutes.listed().entries == []


def forged() -> list[object]:
    until = int((NOW + timedelta(days=30)).timestamp())
    payload = msgspec.json.encode([None, None, until, until])  # would mute everything
    keys = (b"", b"0", SECRET.encode(), bytes.fromhex(SECRET), b"ticktape mute link 1", b"test")
    macs = [hmac.digest(key, payload, hashlib.sha256) for key in keys]
    macs += [hashlib.sha256(payload).digest(), bytes(32)]
    texts = [mac[:size] + payload for mac in macs for size in (16, 32)]
    return [base64.urlsafe_b64encode(text).decode().rstrip("=") for text in texts]


def test_a_forged_link_is_refused(client: Client, services: FakeServices) -> None:
    for text in [*forged(), None, 1, [], {}, "", "A" * 10_000, "\ud800", "null", TOKEN]:
        answer = follow(client, text)
        assert answer.status == 400, text
    assert services.mutes.listed().entries == []


@pytest.mark.parametrize(
    ("symbol", "rule_id", "days"),
    [(None, None, 1), ("AAPL", "r1", 1), ("AAPL", None, 32), ("AAPL", None, 400_000)],
)
def test_the_key_alone_does_not_mute_everything_or_for_long(
    client: Client, services: FakeServices, symbol: str | None, rule_id: str | None, days: int
) -> None:
    until = int(NOW.timestamp()) + days * 86_400
    payload = msgspec.json.encode([symbol, rule_id, until, until])
    mac = hmac.digest(link_key(SECRET, SETTINGS.stage), payload, hashlib.sha256)[:16]
    text = base64.urlsafe_b64encode(mac + payload).decode().rstrip("=")
    assert follow(client, text).status == 400
    assert services.mutes.listed().entries == []


@pytest.mark.parametrize(
    ("secret", "stage"), [(SECRET, "prod"), (SECRET[::-1], SETTINGS.stage), ("", SETTINGS.stage)]
)
def test_a_link_of_another_stage_or_token_is_refused(
    client: Client, services: FakeServices, secret: str, stage: str
) -> None:
    assert follow(client, link(secret, stage)).status == 400
    assert services.mutes.listed().entries == []


def test_a_text_that_was_signed_for_another_purpose_is_refused(client: Client) -> None:
    other = hmac.digest(SECRET.encode(), b"another purpose|test", hashlib.sha256)
    payload = msgspec.json.encode(["AAPL", None, 1_800_000_000, 1_800_000_000])
    mac = hmac.digest(other, payload, hashlib.sha256)[:16]
    assert follow(client, base64.urlsafe_b64encode(mac + payload).decode()).status == 400
    token = page_tokens.encode(["AAPL", "2026-11-20T16:00:00.000000Z"], "/alerts", {})
    assert follow(client, token).status == 400


def test_an_old_link_is_refused_and_says_so(client: Client, services: FakeServices) -> None:
    services.now = NOW + VALID_FOR
    refused = follow(client, link())
    assert refused.status == 400
    assert "valid until 2026-11-23T14:30" in refused.json["detail"]
    assert services.mutes.listed().entries == []


def test_a_stage_without_a_token_follows_no_link() -> None:
    services = FakeServices(msgspec.structs.replace(SETTINGS, write_token_sha256=""))
    for text in (link(), link(""), *forged()):
        assert follow(Client(services), text).status == 400
    assert services.mutes.listed().entries == []


def test_a_link_is_no_key_of_the_api(client: Client) -> None:
    bearing = {"authorization": f"Bearer {link()}", "content-type": "application/json"}
    assert client.send("GET", "/mutes", headers=bearing).status == 401
    body = {"until": "until_open", "symbol": "AAPL"}
    assert client.send("POST", "/mutes", body, bearing).status == 401


def test_a_body_with_more_than_the_link_is_refused(client: Client, services: FakeServices) -> None:
    headers = {"content-type": "application/json"}
    body = {"link": link(), "until": "2026-12-20T00:00:00Z"}
    refused = client.send("POST", "/mutes/signed", body, headers)
    assert (refused.status, refused.json["field"]) == (400, "until")
    assert (
        client.send(
            "POST", "/mutes/signed", {"link": link()}, {"content-type": "text/plain"}
        ).status
        == 415
    )
    assert services.mutes.listed().entries == []


def test_a_followed_link_leaves_an_audit_line(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    follow(client, link())
    follow(client, "forged")
    lines = [record.message for record in caplog.records if record.name == "ticktape.audit"]
    assert re.fullmatch(r"POST \.\./mutes/[0-9a-f]{12}: 201 by signed link \(\)", lines[0])
    assert lines[1] == "POST /mutes/signed: 400 by signed link ()"


def test_a_link_is_short_and_holds_no_secret() -> None:
    text = link(rule_id="x" * 64, severity="urgent")
    assert len(text) < MAX_LINK
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    assert SECRET.encode() not in raw
    assert bytes.fromhex(SECRET) not in raw
    assert raw[16:].startswith(b'[null,"xxx')


def test_a_removed_mute_stays_removed_where_the_market_never_closes(
    client: Client, services: FakeServices
) -> None:
    first, *others = (link(now=NOW + timedelta(hours=n), symbol="BTC-USD") for n in range(6))
    assert remove(client, follow(client, first).json["mute_id"]) == 204
    assert {follow(client, text).status for text in others} == {409}
    assert services.mutes.listed().entries == []
