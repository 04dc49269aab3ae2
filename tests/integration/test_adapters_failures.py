"""The failures bucket on the emulator."""

from __future__ import annotations

import pytest

from chalicelib.adapters.failures import count_batches
from rigs.emulated import Emulated


def test_batches_are_counted_until_they_are_redriven(emulated: Emulated) -> None:
    bucket = emulated.provisioned().failures_bucket
    s3 = emulated.clients.s3
    assert count_batches(s3, bucket) == 0
    for name in ("a", "b"):
        emulated.clients.s3.put_object(Bucket=bucket, Key=f"aws/lambda/mapping/{name}", Body=b"{}")
    emulated.clients.s3.put_object(Bucket=bucket, Key="something-else", Body=b"")
    assert count_batches(s3, bucket) == 2
    emulated.clients.s3.delete_object(Bucket=bucket, Key="aws/lambda/mapping/a")
    assert count_batches(s3, bucket) == 1


def test_a_failing_list_is_reported_as_unknown(
    emulated: Emulated, caplog: pytest.LogCaptureFixture
) -> None:
    assert count_batches(emulated.clients.s3, "no-such-bucket") is None
    assert "cannot list dead-lettered batches" in caplog.text
