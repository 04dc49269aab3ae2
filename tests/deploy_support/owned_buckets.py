"""Adds to the emulated AWS what the commands with `--stage` need: owners of buckets, and Lambda."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from botocore.endpoint import Endpoint

ACCOUNT = "123456789012"


class Invocation(msgspec.Struct, frozen=True):
    """A call of a function: its name, the region of the calling client, and the event."""

    function: str
    region: str
    event: dict[str, Any]


class OwnedBuckets:
    """Refuses requests to buckets whose expected owner is missing or not ACCOUNT. Answers each
    invocation of a function with `answer`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any]) -> None:
        self.invoked: list[Invocation] = []
        self.refused: list[str] = []
        self._answer = answer
        self._send = Endpoint.make_request
        stand_in = self

        def make_request(endpoint: Any, model: Any, request: dict[str, Any]) -> Any:
            return stand_in._take(endpoint, model, request)

        monkeypatch.setattr(Endpoint, "make_request", make_request)

    def _take(self, endpoint: Any, model: Any, request: dict[str, Any]) -> Any:
        if model.name == "Invoke":
            return self._invoke(request)
        members = model.input_shape.members if model.input_shape else {}
        if "ExpectedBucketOwner" in members:
            owner = request["headers"].get("x-amz-expected-bucket-owner")
            if owner != ACCOUNT:
                self.refused.append(model.name)
                return _denied()
        return self._send(endpoint, model, request)

    def _invoke(self, request: dict[str, Any]) -> Any:
        function = request["url_path"].split("/functions/")[1].split("/")[0]
        region = request["context"]["client_region"]
        self.invoked.append(Invocation(function, region, json.loads(request["body"])))
        payload = io.BytesIO(json.dumps(self._answer).encode())
        return SimpleNamespace(status_code=200), {"StatusCode": 200, "Payload": payload}


def _denied() -> Any:
    error = {"Code": "AccessDenied", "Message": "Access Denied"}
    metadata = {"HTTPStatusCode": 403}
    return SimpleNamespace(status_code=403), {"Error": error, "ResponseMetadata": metadata}
