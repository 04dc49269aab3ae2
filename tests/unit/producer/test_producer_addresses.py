"""Addresses to which keys may be sent."""

from __future__ import annotations

import pytest

from producer.addresses import may_carry_keys


@pytest.mark.parametrize(
    "url",
    [
        "https://data.alpaca.markets",
        "wss://stream.data.alpaca.markets/v2/iex",
        "http://127.0.0.1:8000",
        "ws://[::1]:8000/v2",
        "HTTP://LOCALHOST",
    ],
)
def test_keys_go_over_tls_or_to_this_machine(url: str) -> None:
    assert may_carry_keys(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://",
        "http://example.com",
        "http://127.0.0.1.example.com",
        "http://localhost:8081@example.com:80",
        "http://127.0.0.1:80\\@example.com",
        "https://a:b@example.com",
        "http://127.0.0.1:x",
        "http://[::1",
        "http://\t127.0.0.1",
        "http://127.0.0.1\uff0eexample.com",
        "http://127.0.0.1 .example.com",
        "ftp://127.0.0.1",
        "//127.0.0.1",
    ],
)
def test_keys_go_nowhere_else(url: str) -> None:
    assert not may_carry_keys(url)
