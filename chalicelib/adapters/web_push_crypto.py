"""The cryptography of Web Push: messages that only the browser can read (RFC 8291), and tokens that
identify the sender (VAPID, RFC 8292).

Curve, signature and cipher come from pycryptodome, which is imported at first use. Its module has
the name of PyCrypto, against which bandit's B413 warns. HMAC is Python's own (docs/decisions/0386).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from chalicelib.adapters.libraries import add_libraries
from chalicelib.domain.subscriptions import encoded

if TYPE_CHECKING:
    from Crypto.PublicKey.ECC import EccKey  # nosec B413

RECORD_BYTES = 4_096
"""The record size that each message announces. A message is one record."""

SALT_BYTES = 16
_SCALAR_BYTES = 32


class KeyPair(NamedTuple):
    """A P-256 key pair: the private number, big-endian, and the uncompressed public point."""

    private: bytes
    public: bytes


def new_keys() -> KeyPair:
    """Return a random P-256 key pair."""
    return _pair(_curve().generate(curve="P-256"))


def encrypt(plain: bytes, receiver: bytes, auth: bytes, sender: KeyPair, salt: bytes) -> bytes:
    """Return a message's body for a subscription's public key and secret (RFC 8291, 3.4).

    `sender` and `salt` are random and new for each message. Raises ValueError for a key that is not
    on the curve.
    """
    add_libraries()
    from Crypto.Cipher import AES  # nosec B413
    from Crypto.Protocol.DH import key_agreement  # nosec B413

    theirs = _curve().import_key(receiver, curve_name="P-256")
    shared = key_agreement(static_priv=_private(sender), static_pub=theirs, kdf=bytes)
    info = b"WebPush: info\0" + receiver + sender.public
    keying = _expanded(_mac(auth, shared), info, 32)
    seed = _mac(salt, keying)
    key = _expanded(seed, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _expanded(seed, b"Content-Encoding: nonce\0", 12)
    cipher = AES.new(key, AES.MODE_GCM, nonce=nonce)
    text, tag = cipher.encrypt_and_digest(plain + b"\x02")  # 2 marks the last record
    head = salt + RECORD_BYTES.to_bytes(4, "big") + bytes([len(sender.public)]) + sender.public
    return head + text + tag


def token(keys: KeyPair, audience: str, expires: int, contact: str) -> str:
    """Return a signed token for `audience`, a push service's origin (RFC 8292, section 2).

    `expires` is an epoch second, `contact` a mailto: or https: address of the sender.
    """
    add_libraries()
    from Crypto.Hash import SHA256  # nosec B413
    from Crypto.Signature import DSS  # nosec B413

    claims = {"aud": audience, "exp": expires, "sub": contact}
    parts = ({"typ": "JWT", "alg": "ES256"}, claims)
    signed = ".".join(encoded(json.dumps(part, separators=(",", ":")).encode()) for part in parts)
    signer = DSS.new(_private(keys), "deterministic-rfc6979")
    return f"{signed}.{encoded(signer.sign(SHA256.new(signed.encode())))}"


def _curve() -> Any:
    add_libraries()
    from Crypto.PublicKey import ECC  # nosec B413

    return ECC


def _private(keys: KeyPair) -> EccKey:
    found: EccKey = _curve().construct(curve="P-256", d=int.from_bytes(keys.private, "big"))
    return found


def _pair(key: EccKey) -> KeyPair:
    private = int(key.d).to_bytes(_SCALAR_BYTES, "big")
    return KeyPair(private, key.public_key().export_key(format="SEC1"))


def _mac(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha256).digest()


def _expanded(key: bytes, info: bytes, size: int) -> bytes:
    """Return the output of HKDF-Expand, at most one block (RFC 5869, 2.3)."""
    return _mac(key, info + b"\x01")[:size]
