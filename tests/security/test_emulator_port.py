"""The emulator's port: what another site's page or another user of the machine can send to it."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.environment import Keys
from embedded_aws.process import EmulatorProcess
from embedded_aws.signing import signed
from tests.local_support.aws import clients_of
from tests.local_support.system import ROOT, LocalSystem, environment
from tests.patience import PATIENCE_SECONDS

LIST_TABLES = {
    "X-Amz-Target": "DynamoDB_20120810.ListTables",
    "Content-Type": "application/x-amz-json-1.0",
}


class Port:
    """The emulator's port, and the key that opens it."""

    def __init__(self, system: LocalSystem) -> None:
        self.number = int(system.facts()["aws"].rpartition(":")[2])
        self.keys = system.keys()

    def ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes = b"{}"
    ) -> tuple[int, dict[str, str], str]:
        """Status, headers by lower-case name, and text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.number, timeout=PATIENCE_SECONDS)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, found, answer.read().decode()
        finally:
            connection.close()

    def ask_signed(
        self, service: str, method: str, path: str, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], str]:
        """The same with the right signature, of these headers too."""
        url = f"http://127.0.0.1:{self.number}{path}"
        made = signed(self.keys, service, method, url, b"{}", headers)
        return self.ask(method, path, made)

    def list_tables(self, **headers: str) -> tuple[int, dict[str, str], str]:
        """ListTables with the right signature and more headers; `_` in their names is `-`."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask_signed("dynamodb", "POST", "/", LIST_TABLES | more)


@pytest.fixture(scope="module")
def port(system: LocalSystem) -> Port:
    return Port(system)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
def test_signed_requests_that_name_this_port_are_served(port: Port, name: str) -> None:
    status, headers, text = port.list_tables(Host=f"{name}:{port.number}", Sec_Fetch_Site="none")
    assert (status, "ticktape-local-prices" in text) == (200, True)
    assert not [header for header in headers if header.startswith("access-control")]


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{}",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1.evil.example:{}",
        "localhost@evil.example:{}",
        "dynamodb.us-east-1.amazonaws.com",
        "",
    ],
)
def test_another_host_is_refused_with_the_right_key_too(port: Port, host: str) -> None:
    """A page whose name was rebound to 127.0.0.1 gets this answer."""
    status, _, text = port.list_tables(Host=host.format(port.number))
    assert (status, "ticktape" in text) == (421, False)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8080"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "same-origin"},
    ],
)
def test_a_browser_is_refused_with_the_right_key_too(port: Port, headers: dict[str, str]) -> None:
    status, answered, text = port.list_tables(**headers)
    assert (status, "ticktape" in text) == (403, False)
    assert not [header for header in answered if header.startswith("access-control")]


def test_a_preflight_allows_nothing(port: Port) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "PUT"}
    status, headers, _ = port.ask("OPTIONS", "/ticktape-local-archive/x", asked, b"")
    assert status == 403
    assert not [header for header in headers if header.startswith("access-control")]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/moto-api/reset"),
        ("GET", "/moto-api/data.json"),
        ("POST", "/moto-api/config"),
        ("GET", "/latest/meta-data/iam/security-credentials/"),
    ],
)
def test_motos_own_pages_are_refused_with_the_right_key_too(
    port: Port, method: str, path: str
) -> None:
    status, _, text = port.ask_signed("s3", method, path, {})
    assert (status, "not served here" in text) == (403, True)
    assert "ticktape-local-prices" in port.list_tables()[2]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request"},
        {"Authorization": "AWS test:signature"},
        {"Authorization": "Basic dGVzdDp0ZXN0"},
        {"Authorization": "AWS4-HMAC-SHA256 Credential=/20260101/us-east-1/s3/aws4_request"},
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/ticktape-local-archive?list-type=2"),
        ("PUT", "/ticktape-local-archive/planted"),
        (
            "GET",
            "/ticktape-local-archive/?X-Amz-Credential=test/20260101/us-east-1/s3/aws4_request",
        ),
        ("POST", "/_ticktape/names"),
    ],
)
def test_requests_without_a_key_are_refused(
    port: Port, method: str, path: str, headers: dict[str, str]
) -> None:
    body = json.dumps({"bucket": "ticktape-local-archive", "prefix": "", "after": "", "most": 9})
    status, _, text = port.ask(method, path, headers, body.encode())
    assert (status, "not signed with" in text) == (403, True)


def test_a_wrong_key_is_an_error_that_boto3_understands(system: LocalSystem) -> None:
    wrong = Keys("WRONG", system.keys().secret_key)
    clients = clients_of(system.facts()["aws"], wrong)
    calls = [
        clients("dynamodb").list_tables,
        clients("kinesis").list_streams,
        clients("sqs").list_queues,
        clients("sns").list_topics,
        clients("s3").list_buckets,
        clients("athena").list_work_groups,
        lambda: clients("s3").put_object(
            Bucket="ticktape-local-archive", Key="x", Body=b"x" * 10**6
        ),
    ]
    for call in calls:
        with pytest.raises(ClientError) as raised:
            call()
        assert raised.value.response["Error"]["Code"] == "InvalidClientTokenId"
        assert "python -m local env" in raised.value.response["Error"]["Message"]


def test_each_start_has_keys_of_its_own_that_cannot_be_guessed() -> None:
    processes = [EmulatorProcess(0, None) for _ in range(2)]
    for process in processes:
        process.stop()
    assert len({process.keys.access_key for process in processes}) == 2
    assert len({process.keys.secret_key for process in processes}) == 2
    for process in processes:
        assert re.fullmatch(r"[A-Z2-7]{20}", process.keys.access_key)  # 100 bits
        assert re.fullmatch(r"[A-Za-z0-9_-]{40}", process.keys.secret_key)  # 240 bits


def test_an_invalid_content_length_is_answered(port: Port) -> None:
    for length in ("x", "-1", "9" * 5000):
        assert port.ask("POST", "/", {"Content-Length": length}, b"")[0] == 403


def evaluated(script: str, **variables: str) -> str:
    """Return the output of a shell that evaluates the line of docs/local.md and then runs a
    script."""
    line = 'eval "$(.venv/bin/python -m local env --api "$API")" && '
    done = subprocess.run(
        ["/bin/sh", "-c", line + script],
        cwd=ROOT,
        env=environment() | variables,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


ASK_ALL = """
import boto3, json, os
def client(name): return boto3.client(name)
v = {name.removeprefix("TICKTAPE_"): value for name, value in os.environ.items()}
print(json.dumps([
    client("kinesis").describe_stream_summary(StreamName=v["TICKS_STREAM"])
        ["StreamDescriptionSummary"]["StreamName"],
    client("sqs").get_queue_attributes(QueueUrl=v["TICKS_QUEUE_URL"], AttributeNames=["QueueArn"])
        ["Attributes"]["QueueArn"].rpartition(":")[2],
    client("sns").get_topic_attributes(TopicArn=v["ALERTS_TOPIC_ARN"])["Attributes"]["TopicArn"],
    client("s3").list_objects_v2(Bucket=v["ARCHIVE_BUCKET"])["Name"],
    client("s3").list_objects_v2(Bucket=v["FAILURES_BUCKET"])["Name"],
    *(client("dynamodb").describe_table(TableName=v[f"{name}_TABLE"])["Table"]["TableName"]
      for name in ("PRICES", "BARS", "STATE", "ALERTS", "RULES", "SYMBOLS", "KEYS")),
]))
"""


def test_env_makes_boto3_work_in_a_shell(system: LocalSystem) -> None:
    api = f"http://127.0.0.1:{system.api_port}"
    proxy = "http://127.0.0.1:9"
    found: Any = json.loads(
        evaluated('.venv/bin/python -c "$ASK_ALL"', API=api, ASK_ALL=ASK_ALL, HTTP_PROXY=proxy)
    )
    names = ["ticks", "ticks.fifo", "alerts", "archive", "failures"]
    names += ["prices", "bars", "state", "alerts", "rules", "symbols", "keys"]
    assert [name.rpartition(":")[2] for name in found] == [f"ticktape-local-{n}" for n in names]


def test_env_prints_exports_alone(system: LocalSystem) -> None:
    printed = evaluated(
        '.venv/bin/python -m local env --api "$API"', API=f"http://127.0.0.1:{system.api_port}"
    )
    lines = printed.splitlines()
    assert f"export AWS_ENDPOINT_URL='{system.facts()['aws']}'" in lines
    assert all(re.fullmatch(r"export [A-Z_]+='[^']*'", line) for line in lines)
