"""AWS KMS with one symmetric key, which encrypts and decrypts small texts.

The key is created with the first request and stored in the emulator's file, beside the data that it
encrypts. So the data is only as safe as the file's folder. Every alias and key id names this key.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import sqlite3
import threading
import uuid
from typing import Any

from embedded_aws.emulator.database import meta, put_meta
from embedded_aws.environment import REGION

MOST_PLAINTEXT_BYTES = 4096

_ARN = f"arn:aws:kms:{REGION}:123456789012:key/{uuid.UUID(int=1)}"
_KEPT = "kms_key"
_NONCE_BYTES = 12


class KmsError(Exception):
    """A request that KMS refuses. `code` is AWS's name of the error."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Kms:
    """The emulated KMS service. `lock` is the emulator's lock and guards the connection."""

    def __init__(self, connection: sqlite3.Connection, lock: threading.Lock) -> None:
        self._connection = connection
        self._lock = lock
        self._operations = {
            "DescribeKey": self._describe,
            "Encrypt": self._encrypt,
            "Decrypt": self._decrypt,
        }

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        """Answer a request to KMS."""
        name = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
        try:
            request = _parsed(environ["wsgi.input"].read())
            status, answer = "200 OK", self._operations.get(name, _unknown)(request)
        except KmsError as error:
            status = "400 Bad Request"
            answer = {"__type": error.code, "message": str(error)}
        body = json.dumps(answer).encode()
        headers = [
            ("Content-Type", "application/x-amz-json-1.1"),
            ("Content-Length", str(len(body))),
        ]
        start_response(status, headers)
        return [body]

    def _describe(self, _request: dict[str, Any]) -> dict[str, Any]:
        key = {"KeyId": _ARN.rpartition("/")[2], "Arn": _ARN, "Enabled": True}
        return {"KeyMetadata": {**key, "KeyState": "Enabled", "KeyUsage": "ENCRYPT_DECRYPT"}}

    def _encrypt(self, request: dict[str, Any]) -> dict[str, Any]:
        plain = _bytes(request, "Plaintext")
        if not 1 <= len(plain) <= MOST_PLAINTEXT_BYTES:
            reason = f"Plaintext has 1 to {MOST_PLAINTEXT_BYTES} bytes"
            raise KmsError("ValidationException", reason)
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._cipher().encrypt(nonce, plain, _context(request))
        return {
            "CiphertextBlob": base64.b64encode(sealed).decode(),
            "KeyId": _ARN,
            "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        }

    def _decrypt(self, request: dict[str, Any]) -> dict[str, Any]:
        from cryptography.exceptions import InvalidTag

        sealed = _bytes(request, "CiphertextBlob")
        try:
            nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
            plain = self._cipher().decrypt(nonce, rest, _context(request))
        except (InvalidTag, ValueError):
            raise KmsError("InvalidCiphertextException", "not of this key and context") from None
        return {
            "Plaintext": base64.b64encode(plain).decode(),
            "KeyId": _ARN,
            "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        }

    def _cipher(self) -> Any:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(base64.b64decode(self._key()))

    def _key(self) -> str:
        """Return the key in base64. Create and store the key if there is none."""
        with self._lock:
            if found := meta(self._connection, _KEPT):
                return found
            made = base64.b64encode(os.urandom(32)).decode()
            put_meta(self._connection, _KEPT, made)
            return made


def _unknown(_request: dict[str, Any]) -> dict[str, Any]:
    raise KmsError("InvalidAction", "not an operation of this stand-in")


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        request = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        request = None
    if not isinstance(request, dict):
        raise KmsError("SerializationException", "the body is not a JSON object")
    return request


def _bytes(request: dict[str, Any], name: str) -> bytes:
    try:
        return base64.b64decode(request.get(name, ""), validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise KmsError("SerializationException", f"{name} is not base64") from None


def _context(request: dict[str, Any]) -> bytes:
    return json.dumps(request.get("EncryptionContext") or {}, sort_keys=True).encode()
