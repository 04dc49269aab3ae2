"""Links to results, as botocore makes them for AWS itself: nothing is asked."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from chalicelib.adapters.clients import Clients
from chalicelib.adapters.result_links import result_link

BUCKET = "ticktape-dev-archive-123456789012"
HOSTS = {
    "us-east-1": "s3.amazonaws.com",
    "eu-central-1": "s3.eu-central-1.amazonaws.com",
    "ap-southeast-2": "s3.ap-southeast-2.amazonaws.com",
    "ap-south-2": "s3.ap-south-2.amazonaws.com",
    "cn-north-1": "s3.cn-north-1.amazonaws.com.cn",
}


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


def link() -> str:
    return result_link(Clients().s3, f"s3://{BUCKET}/results/a b.csv", 900)


@pytest.mark.parametrize("region", HOSTS)
def test_links_name_the_regions_own_endpoint(monkeypatch: pytest.MonkeyPatch, region: str) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    parts = urlsplit(link())
    assert (parts.scheme, parts.netloc) == ("https", f"{BUCKET}.{HOSTS[region]}")
    assert parts.path == "/results/a%20b.csv"
    signed = parse_qs(parts.query)
    assert signed["X-Amz-Credential"][0].split("/")[2] == region
    assert signed["X-Amz-SignedHeaders"] == ["host"], "a browser sends nothing else"


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_an_endpoint_of_ones_own_is_asked_by_paths(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv(name, "http://127.0.0.1:4566")
    assert link().startswith(f"http://127.0.0.1:4566/{BUCKET}/results/a%20b.csv?")
