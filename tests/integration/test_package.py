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

from infra.deploy.package import normalize
from rigs import alert_peers

ROOT = Path(__file__).resolve().parents[2]
LARGEST_BYTES = 6_000_000  # before a deployment leaves out what Web Push does not need
OUTSIDE = (
    "producer",
    "local",
    "commands",
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
    made = out / "deployment.zip"
    normalize(made)
    return zipfile.ZipFile(made)


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


def test_the_libraries_of_deliver_are_out_of_the_other_functions_way(
    package: zipfile.ZipFile,
) -> None:
    tops = {name.split("/")[0] for name in package.namelist()}
    assert tops.isdisjoint({"apprise", "requests", "urllib3", "certifi", "yaml", "click"})
    held = {name.split("/")[1] for name in package.namelist() if name.startswith("libraries/")}
    assert held >= {"apprise", "requests", "urllib3", "certifi"}


_SEND = """
import importlib.util, sys
assert importlib.util.find_spec("requests") is None, "beside the app"
from datetime import UTC, datetime
from chalicelib.adapters.apprise_channel import AppriseChannel, plugin_class
from chalicelib.domain.channel_secrets import SERVICES, Secrets
from chalicelib.domain.messages import compose_test
message = compose_test("A", datetime.now(UTC), "")
AppriseChannel(Secrets(sys.argv[1]), lambda _: True).send(message)
assert all(map(plugin_class, SERVICES))
"""


def test_the_package_sends_over_apprise(package: zipfile.ZipFile, tmp_path: Path) -> None:
    package.extractall(tmp_path)
    with alert_peers.peer(alert_peers.ntfy(200)) as there:
        address = f"ntfy://127.0.0.1:{there.port}/alerts"
        done = subprocess.run(
            [sys.executable, "-S", "-c", _SEND, address],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert len(there.requests) == 1
