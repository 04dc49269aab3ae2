"""The failures bucket on the emulator."""

from __future__ import annotations

import pytest

from chalicelib.adapters.failures import Failures
from rigs.emulated import Emulated


def test_batches_are_counted_until_they_are_redriven(emulated: Emulated) -> None:
    bucket = emulated.provisioned().failures_bucket
    failures = Failures(emulated.clients.s3, bucket)
    assert failures.count() == 0
    for name in ("a", "b"):
        emulated.clients.s3.put_object(Bucket=bucket, Key=f"aws/lambda/mapping/{name}", Body=b"{}")
    emulated.clients.s3.put_object(Bucket=bucket, Key="something-else", Body=b"")
    assert failures.count() == 2
    emulated.clients.s3.delete_object(Bucket=bucket, Key="aws/lambda/mapping/a")
    assert failures.count() == 1


def test_a_failing_list_is_reported_as_unknown(
    emulated: Emulated, caplog: pytest.LogCaptureFixture
) -> None:
    assert Failures(emulated.clients.s3, "no-such-bucket").count() is None
    assert "cannot list dead-lettered batches" in caplog.text
