"""Web Push to a browser: what its push service gets, checked with independent implementations."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import Crypto
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey
from urllib3.util import parse_url

from chalicelib.adapters.push_keys import generated
from chalicelib.adapters.web_push import TOKEN_SECONDS, WebPush
from chalicelib.adapters.web_push_crypto import KeyPair, encrypt
from chalicelib.domain.channel_secrets import Secrets
from chalicelib.domain.deliveries import DeliveryError, Ended, Lasting, Passing
from chalicelib.domain.message_forms import Body, Line
from chalicelib.domain.messages import Message
from chalicelib.domain.notifications import MOST_PAYLOAD_BYTES, payload
from chalicelib.domain.subscriptions import parse_subscription, service_at
from infra.deploy.package import NEVER_IMPORTED
from rigs.alert_peers import HANG, LOSE, Received, Reply, peer

NOW = 1_763_654_400
CONTACT = "mailto:ops@example.com"
FCM = "https://fcm.googleapis.com/fcm/send/abc"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Browser:
    """A browser's side of a subscription, over `cryptography`."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._auth = os.urandom(16)

    @property
    def point(self) -> bytes:
        return self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def subscription(self, endpoint: str) -> dict[str, Any]:
        keys = {"p256dh": b64(self.point), "auth": b64(self._auth)}
        return {"endpoint": endpoint, "expirationTime": None, "keys": keys}

    def secrets(self, endpoint: str) -> Secrets:
        parsed = parse_subscription(self.subscription(FCM))
        assert parsed is not None
        return Secrets(endpoint, parsed[1])

    def decrypted(self, body: bytes) -> Any:
        """RFC 8291, section 3.4, and RFC 8188: one record, which 0x02 ends."""
        salt, size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        sender, text = body[21 : 21 + length], body[21 + length :]
        assert (size, length) == (4096, 65)
        assert len(text) <= size
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
        shared = self._key.exchange(ec.ECDH(), public)
        first = hkdf(self._auth, shared, b"WebPush: info\0" + self.point + sender, 32)
        key = hkdf(salt, first, b"Content-Encoding: aes128gcm\0", 16)
        nonce = hkdf(salt, first, b"Content-Encoding: nonce\0", 12)
        plain = AESGCM(key).decrypt(nonce, text, None)
        assert plain.endswith(b"\x02")
        return json.loads(plain[:-1])


def hkdf(salt: bytes, keying: bytes, info: bytes, size: int) -> bytes:
    seed = hmac.digest(salt, keying, hashlib.sha256)
    return hmac.digest(seed, info + b"\x01", hashlib.sha256)[:size]


def sent(message: Message, reply: Reply, seconds: float = 9.5) -> tuple[Browser, Received]:
    browser = Browser()
    with peer(reply) as there:
        made = WebPush(
            browser.secrets(f"{there.url}/push/1"),
            VAPID,
            CONTACT,
            lambda _: True,
            now=lambda: NOW,
            seconds=seconds,
        )
        made.prepare()
        made.send(message)
    return browser, there.requests[0]


VAPID = generated()


def test_the_vector_of_rfc_8291() -> None:
    private = unb64("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")
    public = unb64(
        "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
    )
    receiver = unb64(
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
    )
    plain = b"When I grow up, I want to be a watermelon"
    auth, salt = unb64("BTBZMqHH6r4Tts7J_aSIgg"), unb64("DGv6ra1nlYgDCS1FRnbzlw")
    assert b64(encrypt(plain, receiver, auth, KeyPair(private, public), salt)) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLoc"
        "InmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLV"
        "WGNWQexSgSxsj_Qulcy4a-fN"
    )


def test_the_browser_decrypts_what_the_push_service_gets(message: Message) -> None:
    browser, received = sent(message, Reply(201))
    assert browser.decrypted(received.body) == json.loads(payload(message))
    assert received.headers["Content-Encoding"] == "aes128gcm"
    assert received.headers["TTL"] == "86400"
    assert received.headers["Urgency"] == "high"
    assert received.headers["Topic"] == message.attributes["alert_id"]
    assert sent(message, Reply(201))[1].body != received.body


def test_the_token_names_service_contact_and_end_and_the_stages_key_signs_it(
    message: Message,
) -> None:
    received = sent(message, Reply(201))[1]
    kind, _, rest = received.headers["Authorization"].partition(" ")
    given = dict(part.strip().split("=", 1) for part in rest.split(","))
    assert (kind, given["k"]) == ("vapid", VAPID.address)
    point = unb64(given["k"])
    key = ECKey.import_key(
        {"kty": "EC", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])}
    )
    found = jwt.decode(given["t"], key, algorithms=["ES256"])
    assert found.header == {"typ": "JWT", "alg": "ES256"}
    assert found.claims == {
        "aud": f"http://{received.headers['Host']}",
        "exp": NOW + TOKEN_SECONDS,
        "sub": CONTACT,
    }


@pytest.mark.parametrize(
    ("reply", "kind", "reason"),
    [
        (Reply(404), Ended, "ended its subscription"),
        (Reply(410), Ended, "ended its subscription"),
        (Reply(413), Lasting, "answered 413"),
        (Reply(403), Lasting, "answered 403"),
        (Reply(301, "", {"Location": "https://example.com"}), Lasting, "redirects"),
        (Reply(429, "", {"Retry-After": "7"}), Passing, "answered 429"),
        (Reply(500), Passing, "answered 500"),
        (LOSE, Passing, "without an answer"),
        (HANG, Passing, "no answer within"),
    ],
)
def test_answers_of_a_push_service(
    reply: Reply, kind: type[DeliveryError], reason: str, message: Message
) -> None:
    with pytest.raises(DeliveryError, match=reason) as caught:
        sent(message, reply, seconds=0.3 if reply is HANG else 9.5)
    assert type(caught.value) is kind
    assert getattr(caught.value, "retry_after", None) == (7 if reply.status == 429 else None)


def test_a_push_service_on_this_machine_is_refused(message: Message) -> None:
    with peer(Reply(201)) as there:
        made = WebPush(Browser().secrets(there.url), VAPID, CONTACT)
        with pytest.raises(Lasting, match="public internet"):
            made.send(message)
    assert there.requests == []


def test_a_point_off_the_curve_is_told(message: Message) -> None:
    keys = {"p256dh": b64(b"\x04" + b"\x01" * 64), "auth": b64(b"a" * 16)}
    secrets = Secrets(FCM, json.dumps(keys))
    with pytest.raises(Lasting, match="key is not valid"):
        WebPush(secrets, VAPID, CONTACT).send(message)


def test_tokens_are_signed_again_after_half_of_their_time(message: Message) -> None:
    now = [float(NOW)]
    with peer(Reply(201)) as there:
        made = WebPush(
            Browser().secrets(there.url), VAPID, CONTACT, lambda _: True, now=lambda: now[0]
        )
        for later in (0, TOKEN_SECONDS / 2 - 1, TOKEN_SECONDS / 2 + 1):
            now[0] = NOW + later
            made.send(message)
    first, second, third = (each.headers["Authorization"] for each in there.requests)
    assert first == second != third


def test_a_notification_shows_text_without_links_and_leads_to_the_alert(message: Message) -> None:
    attributes = {"alert_id": "ab12", "symbol": "BRK&B=X", "event_type": "alert"}
    lines = (Line("Time", "16:00"), Line("Chart", "https://page/#a", is_link=True))
    alert = msgspec.structs.replace(
        message, attributes=attributes, body=Body("AAPL crossed 200", lines)
    )
    shown = json.loads(payload(alert))
    assert dict(parse_qsl(shown.pop("hash").removeprefix("#"))) == {
        "symbol": "BRK&B=X",
        "alert": "ab12",
    }
    assert shown == {"title": "AAPL crossed 200", "body": "Time: 16:00", "tag": "ab12"}
    assert json.loads(payload(message))["hash"] == ""  # a test's alert has no story


def test_the_longest_notification_fits_into_a_record(message: Message) -> None:
    long = Body("\u20ac" * 1000, (Line("A", "\u20ac" * 5000),))
    assert len(payload(msgspec.structs.replace(message, body=long))) <= MOST_PAYLOAD_BYTES


@pytest.mark.parametrize(
    ("endpoint", "name"),
    [
        (FCM, "Google push"),
        ("https://updates.push.services.mozilla.com/wpush/v2/a", "Mozilla push"),
        ("https://web.push.apple.com/QA", "Apple push"),
        ("https://wns2-par02p.notify.windows.com/w/?token=a%2b", "Microsoft push"),
        ("http://fcm.googleapis.com/fcm/send/a", None),
        ("https://fcm.googleapis.com:8443/a", None),
        ("https://fcm.googleapis.com:443/a", None),
        ("https://fcm.googleapis.com", None),
        ("https://user@fcm.googleapis.com/a", None),
        ("https://fcm.googleapis.com.example.com/a", None),
        ("https://a.fcm.googleapis.com/a", None),
        ("https://a.b.notify.windows.com/a", None),
        ("https://evil-notify.windows.com/a", None),
        ("https://169.254.169.254/a", None),
        ("https://fcm.googleapis.com\\@example.com/a", None),
        (r"https://134744072\.notify.windows.com/a", None),
        (r"https://localhost\.notify.windows.com/a", None),
        (r"https://fcm.googleapis.com/\a", None),
        ("https://a%2f.notify.windows.com/a", None),
        ("https://a;b.notify.windows.com/a", None),
        ("https://-.notify.windows.com/a", None),
        ("https://.notify.windows.com/a", None),
        ("https://fcm.googleapis.com./a", None),
        ("https://fcm.googleapis.com/a#b", None),
        ("https://fcm.googleapis.com/a\n", None),
        ("https://fcm.googleapis.com/\ta", None),
        ("https://fcm.googleapis.com/\u0661", None),
        ("https:fcm.googleapis.com/a", None),
        ("https:///fcm.googleapis.com/a", None),
        ("https://[::1", None),
        ("https://fcm.googleapis.com/" + "a" * 1000, None),
    ],
)
def test_hosts_of_push_services(endpoint: str, name: str | None) -> None:
    assert service_at(endpoint) == name
    if name:  # where requests connects
        assert parse_url(endpoint).host == urlsplit(endpoint).hostname


@pytest.mark.parametrize(
    "changed",
    [
        {"endpoint": None},
        {"endpoint": "https://example.com/a"},
        {"keys": None},
        {"keys": {}},
        {"keys": {"p256dh": "AAAA", "auth": b64(b"a" * 16)}},
        {"keys": {"p256dh": b64(b"\x04" + b"a" * 64), "auth": b64(b"a" * 15)}},
        {"keys": {"p256dh": b64(b"\x02" + b"a" * 64), "auth": b64(b"a" * 16)}},
        {"keys": {"p256dh": 5, "auth": ["a"]}},
    ],
)
def test_malformed_subscriptions(changed: dict[str, Any]) -> None:
    assert parse_subscription({**Browser().subscription(FCM), **changed}) is None


def test_the_part_of_pycryptodome_in_the_package_is_enough(tmp_path: Path) -> None:
    """A process that finds only the package's part of pycryptodome encrypts and signs."""
    root = Path(Crypto.__file__).parents[1]
    for each in (root / "Crypto").rglob("*"):
        name = each.relative_to(root).as_posix()
        if each.is_file() and not name.startswith(NEVER_IMPORTED) and "__pycache__" not in name:
            link = tmp_path / name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(each)
    script = (
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(Path.cwd())!r}]"
        "; from chalicelib.adapters import web_push_crypto as c"
        "; k = c.new_keys(); c.encrypt(b'a', k.public, b'b' * 16, c.new_keys(), b'c' * 16)"
        "; c.token(k, 'https://a', 1, 'mailto:a@example.com')"
        f"; import Crypto; assert Crypto.__file__.startswith({str(tmp_path)!r})"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
