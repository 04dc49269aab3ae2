"""Messages that SNS repeats."""

from __future__ import annotations

from embedded_aws.subscriber import Once


def test_a_message_is_shown_once() -> None:
    once = Once(remembered=2)
    assert [once.is_new(name) for name in ("a", "a", "b", "a")] == [True, False, True, False]


def test_only_the_last_messages_are_remembered() -> None:
    once = Once(remembered=1)
    assert [once.is_new(name) for name in ("a", "b", "a")] == [True, True, True]
