"""Messages for users when the network or a library fails."""

from __future__ import annotations

import json
import queue
import socket
import threading

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from curl_cffi.requests.exceptions import CertificateVerifyError, DNSError, RequestException
from curl_cffi.requests.exceptions import Timeout as CurlTimeout

from producer.reasons import is_network, reason
from producer.sinks.aws import why
from producer.sources import auto, yahoo
from producer.status import Status

LONG = (
    "Failed to perform, curl: (6) Could not resolve host: query2.finance.yahoo.com. "
    "See https://curl.se/libcurl/c/libcurl-errors.html first for more details."
)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (DNSError(LONG, 6), "no network"),
        (socket.gaierror(-2, "Name or service not known"), "no network"),
        (CurlTimeout("Failed to perform, curl: (28)", 28), "no answer in time"),
        (CertificateVerifyError("curl: (60)", 60), "its certificate is not trusted"),
        (ConnectionRefusedError(111, "Connection refused"), "the connection was refused"),
        (KeyError("chart"), "an answer without 'chart'"),
        (json.JSONDecodeError("Expecting value", "<html>", 0), "an answer that is not JSON"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (RequestException("odd", 99), "an unexpected RequestException (--verbose shows more)"),
        (yahoo.Throttled("Yahoo answers 429"), "Yahoo answers 429"),
    ],
)  # fmt: skip
def test_an_error_becomes_a_few_words(error: Exception, words: str) -> None:
    assert reason(error) == words


def test_aws_errors_keep_the_code_and_the_text_of_aws() -> None:
    told = {"Error": {"Code": "AccessDenied", "Message": "not you"}}
    assert why(ClientError(told, "PutItem")) == "AccessDenied: not you"
    assert why(EndpointConnectionError(endpoint_url="http://x")) == "no connection"


def test_only_the_network_makes_yahoo_unreachable() -> None:
    assert is_network(DNSError(LONG, 6))
    assert not is_network(yahoo.Throttled("Yahoo answers 429: too many requests"))


def told(error: Exception, monkeypatch: pytest.MonkeyPatch, *, verbose: bool = False) -> list[str]:
    """Return the messages of `--source auto` when the quote fails with an error."""
    messages: list[str] = []

    def ask(said: queue.Queue[Exception | str]) -> None:
        said.put(error)

    monkeypatch.setattr(auto, "_ask", ask)
    status = Status(lambda _event, message: messages.append(message), verbose=verbose)
    assert not auto.yahoo_answers(status, threading.Event())
    return messages


def test_no_network_is_a_sentence_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(DNSError(LONG, 6), monkeypatch) == [
        "Yahoo cannot be reached: no network. Showing simulated prices instead."
    ]


def test_a_refusal_by_yahoo_is_not_called_a_lost_network(monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = yahoo.Throttled("Yahoo answers 429: too many requests")
    (message,) = told(refusal, monkeypatch)
    assert message.startswith("Yahoo gives no prices: Yahoo answers 429: too many requests. ")


def test_verbose_adds_the_librarys_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    (message,) = told(DNSError(LONG, 6), monkeypatch, verbose=True)
    assert message.startswith("Yahoo cannot be reached: no network. ")
    assert message.endswith(f"[DNSError: {LONG}]")
