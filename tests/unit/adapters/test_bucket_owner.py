"""Requests to S3 name the account that the bucket has to belong to."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from botocore.awsrequest import AWSResponse
from botocore.endpoint import Endpoint

from chalicelib.adapters.clients import Clients
from chalicelib.bootstrap import aws_lake, aws_stores
from rigs.memory_aws.system import SETTINGS
from tests.deploy_support.stages import make_stage

OWNER = "x-amz-expected-bucket-owner"
ACCOUNT = "123456789012"


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


def owners(client: Any) -> list[str | None]:
    """The owners that the client's requests name, in a list that grows; nothing is sent."""
    found: list[str | None] = []

    def send(request: Any, **_: Any) -> AWSResponse:
        value = request.headers.get(OWNER)
        found.append(value.decode() if isinstance(value, bytes) else value)

        class Raw:
            def stream(self, **_: Any) -> list[bytes]:
                return [b"<Answer></Answer>"]

        return AWSResponse(request.url, 200, {}, Raw())

    client.meta.events.register_first("before-send.s3", send)
    return found


def ask_all(client: Any) -> None:
    """Every operation by which the functions name a bucket."""
    client.put_object(Bucket="archive", Key="a", Body=b"a")
    client.get_object(Bucket="archive", Key="a")
    client.list_objects_v2(Bucket="archive")
    client.delete_objects(Bucket="archive", Delete={"Objects": [{"Key": "a"}]})
    for _ in client.get_paginator("list_objects_v2").paginate(Bucket="archive"):
        pass


def test_each_request_to_a_bucket_names_its_owner() -> None:
    client = Clients(ACCOUNT).s3
    found = owners(client)
    ask_all(client)
    assert found == [ACCOUNT] * 5


def test_the_functions_take_the_account_from_their_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found: list[str | None] = []

    def make_request(_: Any, model: Any, request: dict[str, Any]) -> Any:
        found.append(request["headers"].get(OWNER))
        return SimpleNamespace(status_code=200), {"KeyCount": 0}

    monkeypatch.setattr(Endpoint, "make_request", make_request)
    settings = msgspec.structs.replace(SETTINGS, account_id=ACCOUNT)
    assert aws_stores(settings).failures() == 0
    day, before = "2026-11-20", "2026-11-21T00:00:00.000000Z"
    assert list(aws_lake(settings).raw.hours(day, day, before)) == []  # lists raw/ and readings/
    assert found == [ACCOUNT] * 3


def test_without_an_account_no_owner_is_named() -> None:
    client = Clients().s3
    found = owners(client)
    ask_all(client)
    assert found == [None] * 5


def test_a_presigned_link_needs_no_header_of_the_browser() -> None:
    where = {"Bucket": "results", "Key": "a.csv"}
    link = Clients(ACCOUNT).s3.generate_presigned_url("get_object", Params=where)
    assert "X-Amz-SignedHeaders=host" in urlsplit(link).query
    assert "owner" not in link


def test_the_deployment_names_the_stages_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    client = make_stage(account=ACCOUNT).client("s3")
    found = owners(client)
    client.list_object_versions(Bucket="page")
    client.list_buckets()
    assert found == [ACCOUNT, None]
