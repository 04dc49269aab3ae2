"""Makes a stage as Terraform's outputs would describe it."""

from __future__ import annotations

from typing import Any

import msgspec

from chalicelib.settings import Settings
from infra.deploy.stage import Stage

NEEDED = [field.name for field in msgspec.structs.fields(Settings) if field.required]
"""The names of settings that have no default."""


def make_stage(**changed: Any) -> Stage:
    """Return a stage `dev` that a stream feeds, with these fields changed."""
    functions = {
        key: {
            "name": f"ticktape-dev-{key}",
            "role_arn": f"arn:aws:iam::123456789012:role/ticktape-dev-{key}",
            "memory_mb": 512,
            "timeout_seconds": 60,
        }
        for key in ("api_handler", "bearer_token", "ingest_kinesis", "detect")
    }
    outputs: dict[str, Any] = {
        "stage": "dev",
        "region": "eu-west-1",
        "tags": {"app": "ticktape", "stage": "dev"},
        "functions": functions,
        "chalice": {
            "architecture": "arm64",
            "tracing": True,
            "api_rate": {"per_second": 50, "burst": 100},
            "api_concurrency": 50,
        },
        "environment": {
            "TICKS_STREAM": "ticktape-dev-ticks",
            **{name.upper(): name for name in NEEDED},
            "SYMBOLS_TABLE": "ticktape-dev-symbols",
            "PRICES_STREAM_ARN": "arn:prices-stream",
            "CORS_ORIGIN": "https://page.example.com",
            "PAGE_URL": "",
        },
        "account": "123456789012",
        "queues": {},
        "failures_bucket_arn": "arn:aws:s3:::failures",
        "topics": {"alerts": "arn:alerts", "operations": "arn:operations"},
        "producer_role_arn": "arn:aws:iam::123456789012:role/ticktape-dev-producer",
        "token_parameter": "/ticktape/dev/write-token-sha256",
        "page": {"bucket": "page", "distribution": "ID", "url": "https://page.example.com"},
        "lake": {"database": "ticktape_dev", "workgroup": "ticktape-dev"},
        "data_buckets": ["archive"],
        "hosting_buckets": ["page"],
    }
    return msgspec.convert(outputs | changed, Stage)
