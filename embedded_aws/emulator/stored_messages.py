"""The stored form of SQS's messages in SQLite: msgpack of moto's attributes, all plain."""

from __future__ import annotations

from typing import Any

import msgspec

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, Any]).decode


def encode(message: Any) -> bytes:
    """Encode moto's message."""
    return _encode({name: value for name, value in vars(message).items() if name in _names()})


def decode(raw: bytes) -> Any:
    """Decode the result of `encode`. Raises msgspec.DecodeError or ValidationError for anything
    else."""
    from moto.sqs.models import Message

    found = _decode(raw)
    message = Message(found["id"], found["body"])
    for name in _names() & found.keys():
        setattr(message, name, found[name])
    return message


def _names() -> set[str]:
    from moto.sqs.models import Message

    return set(vars(Message("", "")))
