"""DynamoDB's JSON past botocore's serializer and parser, over botocore's own client."""

from __future__ import annotations

import io
import json
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError

from chalicelib.adapters import json_wire

KEY = {"symbol": {"S": "ÄÖ\u2028"}}


class Raw(io.BytesIO):
    def stream(self, *_: object, **__: object) -> Any:
        yield self.read()


class Wire:
    """A connection's requests and answers."""

    def __init__(self, fast: bool = True) -> None:
        self.client = botocore.session.get_session().create_client(
            "dynamodb",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(
                parameter_validation=False, retries={"total_max_attempts": 1, "mode": "standard"}
            ),
        )
        if fast:
            json_wire.install(self.client)
        self.client.meta.events.register("before-send.dynamodb", self._answer)
        self.status, self.body = 200, b"{}"
        self.sent: list[AWSPreparedRequest] = []

    def _answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        self.sent.append(request)
        headers = {"x-amzn-RequestId": "r1"}
        return AWSResponse(request.url, self.status, headers, Raw(self.body))

    @property
    def requests(self) -> list[Any]:
        return [json.loads(request.body) for request in self.sent]


CALLS: list[tuple[str, dict[str, Any]]] = [
    ("get_item", {"TableName": "t", "Key": KEY, "ConsistentRead": True}),
    ("put_item", {"TableName": "t", "Item": {**KEY, "n": {"N": "1"}, "b": {"BOOL": False}}}),
    ("delete_item", {"TableName": "t", "Key": KEY}),
    ("update_item", {"TableName": "t", "Key": KEY, "UpdateExpression": "SET a = b"}),
    ("query", {"TableName": "t", "Limit": 3, "ExpressionAttributeValues": {":l": {"L": []}}}),
    ("batch_get_item", {"RequestItems": {"t": {"Keys": [KEY]}}}),
    ("batch_write_item", {"RequestItems": {"t": [{"PutRequest": {"Item": KEY}}]}}),
]


@pytest.mark.parametrize(("call", "request_"), CALLS)
def test_requests_are_those_that_botocore_would_send(call: str, request_: dict[str, Any]) -> None:
    fast, plain = Wire(), Wire(fast=False)
    for wire in (fast, plain):
        getattr(wire.client, call)(**request_)
    assert fast.requests == plain.requests == [request_]
    (mine,), (theirs,) = fast.sent, plain.sent
    assert mine.url == theirs.url
    for header in ("X-Amz-Target", "Content-Type"):
        assert mine.headers[header] == theirs.headers[header]
    assert int(mine.headers["Content-Length"]) == len(mine.body)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"Item": {**KEY, "n": {"N": "1.50"}, "gone": {"NULL": True}, "m": {"M": {"a": {"S": ""}}}}},
    ],
)
def test_answers_are_those_that_botocore_would_give(answer: dict[str, Any]) -> None:
    found = []
    for wire in (Wire(), Wire(fast=False)):
        wire.body = json.dumps(answer).encode()
        found.append(wire.client.get_item(TableName="t", Key=KEY))
        assert found[-1]["ResponseMetadata"]["RequestId"] == "r1"
        del found[-1]["ResponseMetadata"]
    assert found[0] == found[1] == answer


def test_errors_are_botocores() -> None:
    wire = Wire()
    wire.status = 400
    wire.body = b'{"__type":"com.amazonaws#ConditionalCheckFailedException","message":"no"}'
    with pytest.raises(wire.client.exceptions.ConditionalCheckFailedException, match="no"):
        wire.client.put_item(TableName="t", Item=KEY)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"Item": {"s": {"S": "\xff"}}}'])
def test_a_broken_answer_is_dealt_with_as_botocore_does(body: bytes) -> None:
    found: list[Any] = []
    for wire in (Wire(), Wire(fast=False)):
        wire.body = body
        try:
            found.append(wire.client.get_item(TableName="t", Key=KEY)["ResponseMetadata"])
        except Exception as error:  # noqa: BLE001 - whichever it is, it is to be the same
            found.append(type(error))
    assert found[0] == found[1]


def test_other_operations_go_botocores_way() -> None:
    wire = Wire()
    wire.body = b'{"Table": {"TableName": "t", "CreationDateTime": 1.5}}'
    found = wire.client.describe_table(TableName="t")["Table"]
    assert found["CreationDateTime"].year == 1970
    wire.status = 500
    with pytest.raises(ClientError):
        wire.client.describe_table(TableName="t")
