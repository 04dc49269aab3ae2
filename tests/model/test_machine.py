"""Programs drawn at random against the services: machine.py says what may happen, reference.py and
reference_alerts.py what must come of it."""

from __future__ import annotations

import pytest

from tests.model.running import main


def test_stores_are_the_models_whatever_happened() -> None:
    assert main(100, shrink=True) == 0


@pytest.mark.long
@pytest.mark.timeout(14_400)
def test_the_same_at_length() -> None:
    assert main(20_000, shrink=True) == 0
