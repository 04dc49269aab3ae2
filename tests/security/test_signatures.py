"""What a presigned link grants, and what its access key is worth without the secret key."""

from __future__ import annotations

import http.client
import io
import re
import socket
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

import boto3
import msgspec
import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from embedded_aws.emulator import signatures
from embedded_aws.emulator.admission import LONGEST_UNDECLARED, Admission
from embedded_aws.environment import REGION, Keys
from embedded_aws.signing import signed
from tests.local_support.aws import clients_of
from tests.local_support.system import LocalSystem
from tests.patience import PATIENCE_SECONDS

BUCKET = "ticktape-local-archive"
KEY = "results/a run=1/ümläut +~.csv"
KEYS = Keys("ACCESSKEYOFTHESTART2", "secret")

Link = Callable[..., str]


@pytest.fixture(scope="module")
def link(system: LocalSystem) -> Link:
    """Makes a presigned address of an object that is there, as a report's run gives it."""
    client = boto3.client(
        "s3",
        endpoint_url=system.facts()["aws"],
        region_name=REGION,
        aws_access_key_id=system.keys().access_key,
        aws_secret_access_key=system.keys().secret_key,
        config=Config(signature_version="s3v4"),
    )
    client.put_object(Bucket=BUCKET, Key=KEY, Body=b"rows")
    client.put_object(Bucket=BUCKET, Key="other", Body=b"secret")

    def made(operation: str = "get_object", seconds: int = 900, **more: str) -> str:
        params = {"Bucket": BUCKET, "Key": KEY, **more}
        return str(client.generate_presigned_url(operation, params, ExpiresIn=seconds))

    return made


def ask(
    url: str, method: str = "GET", body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, str]:
    """Status and text of what an address answers."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE_SECONDS)
    try:
        path = url.partition(parts.netloc)[2]
        connection.request(method, path, body or None, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_a_link_opens_its_object_again_and_again(link: Link) -> None:
    url = link(ResponseContentDisposition='attachment; filename="a b.csv"')
    assert [ask(url), ask(url)] == [(200, "rows")] * 2
    assert ask(link("head_object"), "HEAD") == (200, "")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r"/results/.*\?", "/other?"),
        (r"/results/.*\?", "?list-type=2&"),
        (r"\?", "?versionId=null&"),
        (r"/results/", "/results//"),
        (r"%2B", "+"),
        (r"Expires=900", "Expires=901"),
        (r"Date=2", "Date=1"),
        (r"SignedHeaders=host", "SignedHeaders=host%3Bx-amz-date"),
        (r"SignedHeaders=host", "SignedHeaders="),
        (r"%2Fs3%2F", "%2Fticktape%2F"),
        (r"Signature=.", "Signature=x"),
        (r"&X-Amz-Signature=.*", ""),
        (r"X-Amz-Algorithm=[^&]*", "X-Amz-Algorithm=none"),
    ],
)
def test_a_changed_link_opens_nothing(link: Link, old: str, new: str) -> None:
    url = re.sub(old, new, link(), count=1)
    assert url != link()
    assert ask(url)[0] == 403


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "HEAD"])
def test_a_link_serves_its_own_method_alone(link: Link, method: str) -> None:
    assert ask(link(), method)[0] == 403
    assert ask(link()) == (200, "rows")


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Amz-Target": "DynamoDB_20120810.ListTables"},
        {"x-amz-copy-source": f"{BUCKET}/other"},
        {"Authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/dynamodb/aws4_request"},
    ],
)
def test_a_link_with_more_headers_opens_nothing(link: Link, headers: dict[str, str]) -> None:
    assert ask(link(), "GET", b"", headers)[0] == 403


@pytest.mark.parametrize("method", ["GET", "get", "Get"])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_a_link_with_a_body_opens_nothing(link: Link, method: str, chunked: bool) -> None:
    body = urlencode({"response-content-type": "text/html"}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if chunked:
        headers["Transfer-Encoding"] = "chunked"
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    assert ask(link(), method, body, headers)[0] == (403 if method == "GET" else 400)


@pytest.mark.parametrize("method", ["GET", "get", "PUT", "put", "POST"])
def test_the_body_of_a_link_is_refused_before_it_is_read(link: Link, method: str) -> None:
    url = link("put_object" if method.upper() == "PUT" else "get_object")
    parts = urlsplit(url)
    head = f"{method} {url.partition(parts.netloc)[2]} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
    with socket.create_connection((parts.hostname, parts.port), PATIENCE_SECONDS) as connection:
        connection.sendall(f"{head}Content-Length: {10**12}\r\n\r\n".encode())
        connection.shutdown(socket.SHUT_WR)
        assert re.match(rb"HTTP/1.1 40[03] ", connection.recv(65536))


@pytest.mark.parametrize("method", ["get", "Get", "head"])
def test_a_link_serves_methods_in_upper_case_alone(link: Link, method: str) -> None:
    url = link("head_object") if method == "head" else link()
    assert ask(url, method)[0] == 400
    assert ask(url, method.upper())[0] == 200


@pytest.mark.parametrize("operation", ["put_object", "delete_object"])
def test_a_link_that_would_change_an_object_is_refused(link: Link, operation: str) -> None:
    assert ask(link(operation), operation.partition("_")[0].upper())[0] == 403
    assert ask(link()) == (200, "rows")


@pytest.mark.parametrize(
    "before", ["other", "other%2Fname", "s3:other", "xsns_us-east-1", "http://127.0.0.1:1", "?"]
)
def test_a_target_that_is_not_a_path_is_refused(link: Link, before: str) -> None:
    parts = urlsplit(link())
    target = f"{before}{parts.path}?{parts.query}"
    raw = f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()
    with socket.create_connection((parts.hostname, parts.port), PATIENCE_SECONDS) as connection:
        connection.sendall(raw)
        assert re.match(rb"HTTP/1.1 400 (?s:.*)InvalidURI", connection.recv(65536))


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("Range", "bytes=1-2", 206),
        ("Range", "bytes=9-", 416),
        *(("Range", odd, 200) for odd in ("x", "bytes=1=2", "items=1-2", "bytes=1-2,3-3", "=")),
        ("Range", "bytes=0-" + "9" * 5000, 200),
        ("If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT", 304),
        ("If-Modified-Since", "Friday, 01-Jan-60 00:00:00 GMT", 304),
        ("If-Unmodified-Since", "Thu Jan  1 00:00:00 2015", 412),
        *(
            (f"If-{condition}-Since", odd, 200)
            for condition in ("Modified", "Unmodified")
            for odd in (
                "x",
                "Mon, 99 Foo",
                "Mon, 01 Jan 0001 00:00:00 +9999",
                "1 Jan 1 +" + "9" * 99,
            )
        ),
    ],
)
def test_a_link_ignores_ranges_and_dates_that_nobody_can_read(
    link: Link, header: str, value: str, status: int
) -> None:
    answered, text = ask(link(), headers={header: value})
    assert answered == status
    assert "Traceback" not in text
    assert status != 200 or text == "rows"


def test_a_link_ends(link: Link) -> None:
    url = link(seconds=1)
    end = time.monotonic() + PATIENCE_SECONDS
    while (answer := ask(url)) == (200, "rows"):
        assert time.monotonic() < end
        time.sleep(0.2)
    assert (answer[0], "Request has expired" in answer[1]) == (403, True)


def test_the_access_key_of_a_link_is_worth_nothing_without_the_secret(
    system: LocalSystem, link: Link
) -> None:
    found = re.search(r"X-Amz-Credential=(\w+)%2F", link())
    assert found is not None
    assert found[1] == system.keys().access_key
    clients = clients_of(system.facts()["aws"], Keys(found[1], "x"))
    calls: list[Callable[[], Any]] = [
        clients("dynamodb").list_tables,
        clients("kinesis").list_streams,
        clients("sqs").list_queues,
        clients("sns").list_topics,
        clients("s3").list_buckets,
        clients("athena").list_work_groups,
        clients("glue").get_databases,
        lambda: clients("s3").put_object(Bucket=BUCKET, Key="planted", Body=b"x" * 10**6),
        lambda: clients("s3").delete_object(Bucket=BUCKET, Key=KEY),
    ]
    for call in calls:
        with pytest.raises(ClientError) as raised:
            call()
        assert raised.value.response["Error"]["Code"] == "SignatureDoesNotMatch"
    url = f"{system.facts()['aws']}/_ticktape/names"
    assert (
        ask(url, "POST", b"{}", signed(Keys(found[1], "x"), "ticktape", "POST", url, b"{}"))[0]
        == 403
    )


def environ(
    method: str = "POST",
    path: str = "/",
    body: bytes = b"{}",
    service: str = "dynamodb",
    **headers: str,
) -> dict[str, Any]:
    """Return a request to the emulator, signed now."""
    url = f"http://127.0.0.1:4566{path}"
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    made = signed(KEYS, service, method, url, body, given)
    return wsgi(method, url, body, made)


def wsgi(method: str, url: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
    """A request as werkzeug's server gives it."""
    parts = urlsplit(url)
    found = {
        "REQUEST_METHOD": method,
        "PATH_INFO": parts.path,
        "QUERY_STRING": parts.query,
        "RAW_URI": url.partition(parts.netloc)[2],
        "SERVER_PORT": "4566",
        "HTTP_HOST": "127.0.0.1:4566",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    named = {name.upper().replace("-", "_"): value for name, value in headers.items()}
    return found | {f"HTTP_{name}": value for name, value in named.items()}


def refused(given: dict[str, Any], later: float = 0.0, body: bytes = b"{}") -> str | None:
    """Return the error code of a request some seconds later; None without an error."""
    admission = Admission(KEYS, lambda: time.time() + later)
    found = admission.refusal(given) or admission.refusal_of_body(given, body)
    return found.code if found else None


def test_a_request_is_good_for_fifteen_minutes_of_skew() -> None:
    given = environ()
    assert [refused(given, later) for later in (-840, 0, 840)] == [None] * 3
    assert [refused(given, later) for later in (-960, 960)] == ["RequestTimeTooSkewed"] * 2


def test_the_body_belongs_to_the_signature() -> None:
    assert refused(environ(), body=b"{ }") == "SignatureDoesNotMatch"
    put = environ("PUT", "/b/k", b"rows", "s3")
    assert refused(put, body=b"rows") is None
    assert refused(put, body=b"cows") == "XAmzContentSHA256Mismatch"


def test_a_body_that_s3_does_not_hash_is_taken_by_the_signed_word_for_it() -> None:
    for word in ("UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"):
        given = environ("PUT", "/b/k", b"", "ticktape", X_Amz_Content_SHA256=word)
        assert refused(given, body=b"whatever") is None
        changed = given | {"HTTP_X_AMZ_CONTENT_SHA256": "UNSIGNED-PAYLOAD-"}
        assert refused(changed, body=b"whatever") == "SignatureDoesNotMatch"


def test_every_part_belongs_to_the_signature() -> None:
    given = environ("GET", "/b/k?b=2&a=1", b"", "s3")
    assert refused(given, body=b"") is None
    for name, value in (
        ("REQUEST_METHOD", "DELETE"),
        ("RAW_URI", "/b/k2?b=2&a=1"),
        ("RAW_URI", "/b/k?b=2&a=2"),
        ("RAW_URI", "/b/k"),
        ("HTTP_HOST", "localhost:4566"),
        ("HTTP_X_AMZ_CONTENT_SHA256", "UNSIGNED-PAYLOAD"),
    ):
        assert refused(given | {name: value}, body=b"") == "SignatureDoesNotMatch", name
    assert refused(given | {"REQUEST_METHOD": "get"}, body=b"") == "InvalidRequest"
    for target in ("http://127.0.0.1:4566/b/k?b=2&a=1", "b/k?b=2&a=1", "/b/k?b=2&a=1#", "*", ""):
        assert refused(given | {"RAW_URI": target}, body=b"") == "InvalidURI", target
    for name in ("HTTP_X_AMZ_SECURITY_TOKEN", "HTTP_X_AMZ_COPY_SOURCE"):
        assert refused(given | {name: "x"}, body=b"") == "AccessDenied", name


def test_a_signature_that_is_not_whole_is_none() -> None:
    given = environ()
    header = given["HTTP_AUTHORIZATION"]
    for broken in (
        header.replace("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"),
        header.replace("aws4_request", "aws4"),
        header.partition(", Signature")[0],
        header + ", Signature=" + "0" * 64,
        re.sub(r"/\d{8}/", "/20200101/", header),
    ):
        assert refused(given | {"HTTP_AUTHORIZATION": broken}) == "MissingAuthenticationToken"
    assert refused(given | {"HTTP_X_AMZ_DATE": "yesterday"}) == "MissingAuthenticationToken"
    odd = header.replace(given["HTTP_X_AMZ_DATE"][:8], "20269999")
    changed = {"HTTP_AUTHORIZATION": odd, "HTTP_X_AMZ_DATE": "20269999T000000Z"}
    assert refused(given | changed) == "IncompleteSignature"


def test_a_large_body_of_somebody_unknown_is_not_read() -> None:
    given = environ() | {"CONTENT_LENGTH": str(LONGEST_UNDECLARED + 1)}
    assert refused(given) == "RequestEntityTooLarge"
    assert refused(environ() | {"HTTP_TRANSFER_ENCODING": "chunked"}) == "MissingContentLength"


def test_presigned_addresses_are_of_s3_alone() -> None:
    request = AWSRequest("GET", "http://127.0.0.1:4566/", params={"Action": "ListTopics"})
    credentials = Credentials(*msgspec.structs.astuple(KEYS))
    SigV4QueryAuth(credentials, "sns", REGION).add_auth(request)
    assert refused(wsgi("GET", request.url, b"", {}), body=b"") == "AccessDenied"


def test_the_secret_key_is_in_no_link_and_no_output(system: LocalSystem, link: Link) -> None:
    assert system.keys().secret_key not in link() + system.output()


def test_the_signing_key_is_derived_once_for_a_day_region_and_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = [environ(), environ(body=b"[]"), environ(service="kinesis")]
    signatures._derived.cache_clear()
    signings: list[bytes] = []

    def sign(self: Any, key: bytes, msg: str, hex: bool = False) -> Any:  # noqa: A002
        signings.append(key)
        return plainly(self, key, msg, hex)

    plainly = SigV4Auth._sign
    monkeypatch.setattr(SigV4Auth, "_sign", sign)
    counts = []
    for one, body in zip(given, (b"{}", b"[]", b"{}"), strict=True):
        signings.clear()
        assert refused(one, body=body) is None
        counts.append(len(signings))
    assert counts == [5, 1, 3]  # a new service takes two keys, its own and the one to sign with
    other = Admission(Keys(KEYS.access_key, "another secret"), time.time)
    assert other.refusal_of_body(given[0], b"{}") is not None
