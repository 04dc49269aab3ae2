"""The stores that the adapters' contract is held against.

`fakes`: tests/fakes.py. `memory`: the adapters over rigs/memory_aws. `emulator`: the adapters
over a process of embedded_aws, each module with tables of its own, each test with symbols of its
own.
"""

from __future__ import annotations

import itertools

import pytest

from chalicelib.bootstrap import Services
from chalicelib.services.stores import Stores
from chalicelib.settings import Settings
from rigs.emulated import Emulated
from rigs.memory_aws.system import SETTINGS, Aws
from tests.fakes import fake_stores
from tests.local_support.lake import Lake

_numbers = itertools.count()


@pytest.fixture(scope="module")
def emulated_settings(emulated: Emulated) -> Settings:
    """Tables of the module's own."""
    return emulated.provisioned()


@pytest.fixture(params=["fakes", "memory", "emulator"])
def stores(request: pytest.FixtureRequest) -> Stores:
    """Each kind in turn."""
    if request.param == "fakes":
        return fake_stores()
    if request.param == "memory":
        return Services(SETTINGS, clients=Aws(page_items=7)).stores
    settings = request.getfixturevalue("emulated_settings")
    return Services(settings, clients=request.getfixturevalue("emulated").clients).stores


@pytest.fixture
def symbol() -> str:
    """A symbol of the test's own."""
    return f"T{next(_numbers)}"


@pytest.fixture(scope="module")
def lake(emulated: Emulated) -> Lake:
    """A database, a bucket and a workgroup of the module's own."""
    return Lake(emulated.clients)
