"""What tests of channels share."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chalicelib.domain.messages import Message, compose_test

NOW = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)


@pytest.fixture
def message() -> Message:
    return compose_test("AAPL", NOW, "https://ticktape.example")
