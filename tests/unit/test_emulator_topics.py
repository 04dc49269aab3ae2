"""What the emulator keeps of messages that were sent is bounded."""

from __future__ import annotations

from local.emulator.topics import KEPT, LastKeys, LastMessages


def test_the_last_certificates_are_kept_for_whoever_checks_a_signature() -> None:
    keys = LastKeys()
    for number in range(3 * KEPT):
        keys[f"{number}.pem"] = b"certificate"
    assert len(keys) == KEPT
    assert f"{3 * KEPT - 1}.pem" in keys


def test_the_last_messages_are_kept() -> None:
    messages = LastMessages()
    for number in range(3 * KEPT):
        messages.append(number)
    assert messages == list(range(2 * KEPT, 3 * KEPT))
