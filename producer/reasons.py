"""Explains in plain words why the network or a library failed. `--verbose` adds the library's text.

Errors are classified by class name, since libraries change their texts. curl_cffi, botocore,
websockets and the standard library share these names.
"""

from __future__ import annotations

from producer.errors import ProducerError

_WORDS = {
    "DNSError": "no network",
    "gaierror": "no network",
    "CertificateVerifyError": "its certificate is not trusted",
    "SSLCertVerificationError": "its certificate is not trusted",
    "SSLError": "no secure connection",
    "ProxyError": "the proxy does not connect to it",
    "ProxyConnectionError": "the proxy does not connect to it",
    "Timeout": "no answer in time",
    "ConnectTimeoutError": "no answer in time",
    "ReadTimeoutError": "no answer in time",
    "TimeoutError": "no answer in time",
    "EndpointConnectionError": "no connection",
    "ConnectionRefusedError": "the connection was refused",
    "ConnectionClosed": "the connection was closed",
    "ConnectionClosedError": "the connection was closed",
    "ConnectionResetError": "the connection was closed",
    "ConnectionError": "no connection",
    "NoCredentialsError": "no AWS credentials",
    "CredentialRetrievalError": "no AWS credentials",
    "JSONDecodeError": "an answer that is not JSON",
}
_NO_ANSWER = frozenset(
    {
        "no answer in time",
        "no connection",
        "the connection was refused",
        "the connection was closed",
    }
)


def reason(error: BaseException) -> str:
    """Return the reason for an error in a few words without a full stop. Our own errors keep their
    message. For an unlisted error the reason is its class name."""
    if isinstance(error, ProducerError):
        return str(error)
    if isinstance(error, KeyError):
        return f"an answer without {error}"
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status:
        return f"HTTP status {status}"
    for kind in type(error).__mro__:
        if kind.__name__ in _WORDS:
            return _WORDS[kind.__name__]
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"an unexpected {type(error).__name__} (--verbose shows more)"


def is_network(error: BaseException) -> bool:
    """Return whether the error means that no answer came at all, as opposed to an unusable
    answer."""
    return isinstance(error, OSError)


def is_unanswered(error: BaseException) -> bool:
    """Return whether the connection failed or no answer came in time. Unlike `is_network`, this
    covers botocore's errors."""
    return any(_WORDS.get(kind.__name__) in _NO_ANSWER for kind in type(error).__mro__)


def in_full(error: BaseException) -> str:
    """Return an error's class and its whole text in one line, for `--verbose`."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
