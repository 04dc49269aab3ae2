"""The contents of `chalice package`'s Lambda zip."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LARGEST_BYTES = 5_000_000
OUTSIDE = (
    "producer",
    "local",
    "embedded_aws",
    "untrusted",
    "bench",
    "rigs",
    "tests",
    "frontend",
    "infra",
)
HEAVY = ("boto3", "botocore", "pandas", "numpy", "yfinance", "moto")
TABLES = ("prices", "bars", "state", "alerts", "rules", "symbols", "keys")
SETTINGS = {f"{name.upper()}_TABLE": name for name in TABLES} | {
    "ARCHIVE_BUCKET": "archive",
    "FAILURES_BUCKET": "failures",
    "TICKS_STREAM": "ticks",
}
TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/prices/stream/2026-11-20T00:00:00.000"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The zip of the dev stage."""
    out = tmp_path_factory.mktemp("package")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")} | SETTINGS
    environment |= {
        "PRICES_STREAM_ARN": TABLE,
        "ALERTS_STREAM_ARN": TABLE.replace("prices", "alerts"),
        "DELIVERIES_QUEUE": "deliveries",
        "DELIVERIES_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/deliveries",
        "DELIVERIES_DEAD_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/dead",
        "ALERTS_TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:alerts",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    config = ROOT / ".chalice" / "config.json"  # a deployment renders it
    if not config.exists():
        shutil.copyfile(config.with_name("base.json"), config)
    command = [str(Path(sys.executable).with_name("chalice")), "package", str(out)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return zipfile.ZipFile(out / "deployment.zip")


def test_package_is_small(package: zipfile.ZipFile) -> None:
    assert Path(str(package.filename)).stat().st_size < LARGEST_BYTES


def test_package_holds_app_and_chalicelib_as_they_are(package: zipfile.ZipFile) -> None:
    carried = [path for kind in ("py", "sql") for path in (ROOT / "chalicelib").rglob(f"*.{kind}")]
    assert {path.parent.name for path in carried} >= {"domain", "lake", "reports"}
    for source in [ROOT / "app.py", *carried]:
        packed = package.read(source.relative_to(ROOT).as_posix())
        assert hashlib.sha256(packed).digest() == hashlib.sha256(source.read_bytes()).digest()


def test_package_carries_nothing_that_runs_beside_it(package: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in package.namelist()}
    assert tops.isdisjoint(OUTSIDE + HEAVY)
    assert {"app.py", "chalicelib", "chalice", "msgspec", "tzdata"} <= tops
