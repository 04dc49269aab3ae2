"""The endpoint that accepts everything, asked by the product's own adapters."""

from __future__ import annotations

import os

import boto3
import pytest

from bench.null_aws import null_aws
from chalicelib.adapters.inserts import insert_all


def test_inserts_are_all_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an answer to each statement `bench detect_cpu` could not run."""
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    items = [{"symbol": {"S": "AAPL"}, "start": {"S": str(n)}} for n in range(60)]
    with null_aws():
        client = boto3.client("dynamodb", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
        assert insert_all(client, "bars", ("symbol", "start"), items) == []
        assert client.batch_get_item(RequestItems={"state": {"Keys": items[:1]}})["Responses"] == {}
