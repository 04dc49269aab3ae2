"""Why the network or a library failed, in words for people; `--verbose` adds the library's own.

Errors are told apart by their class, since libraries change the texts. The same names stand in
curl_cffi, botocore, websockets and the standard library.
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


def reason(error: BaseException) -> str:
    """Why it failed, in a few words without a full stop.

    Our own errors speak for themselves. An error that is not listed gives its class's name.
    """
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
    """Whether there was no answer at all, as against an answer that is of no use."""
    return isinstance(error, OSError)


def in_full(error: BaseException) -> str:
    """An error's class and whole text on one line, for `--verbose`."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
