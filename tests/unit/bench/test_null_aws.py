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


@pytest.mark.parametrize("key", ["first", "second"])
def test_a_client_of_boto3_has_the_keys_of_its_own_test(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without `own_default_session` the second client would have the first one's keys."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    client = boto3.client("dynamodb", region_name="us-east-1")
    assert client._request_signer._credentials.access_key == key
