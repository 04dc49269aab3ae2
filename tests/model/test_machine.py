"""Programs drawn at random against the services: machine.py says what may happen, reference.py and
reference_alerts.py what must come of it."""

from __future__ import annotations

import pytest

from tests.model.running import run


def test_stores_are_the_models_whatever_happened() -> None:
    run(300)


@pytest.mark.long
@pytest.mark.timeout(14_400)
def test_the_same_at_length() -> None:
    run(20_000)
