"""Fixtures shared by tests of several folders."""

from __future__ import annotations

import gc
import logging
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path

import boto3
import botocore.session
import botocore.useragent
import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from rigs.emulated import Emulated

pytest.register_assert_rewrite("tests.deploy_support")

botocore.session.create_loader = cache(botocore.session.create_loader)
"""All sessions of a process share what they read of botocore's models: to read them again costs
each client a tenth of a second."""

botocore.useragent.sanitize_user_agent_string_component = cache(
    botocore.useragent.sanitize_user_agent_string_component
)
"""A request names its client in some ten words, each of which botocore checks by characters."""

settings.register_profile(
    "same", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("explore", settings.get_profile("same"), derandomize=False)
settings.load_profile("same")
"""`make test` tries the same examples each time, however long they take; `make test-long` tries
others."""

FIRST = (
    "e2e/test_deploy_cycle.py",
    "browser",
    "integration/test_compaction.py",
    "integration/test_infra_terraform.py",
    "integration/test_extreme_numbers.py",
    "security",
    "integration/test_compaction_merging.py",
    "integration/test_local_system.py",
    "e2e",
    "model",
    "faults",
    "oracles/test_reports_pandas.py",
)
"""Files and folders that take long, the longest first: were one of them left for the end, the
other workers would wait for it."""

RUNNING = tuple(
    f"tests/browser/test_{name}.py"
    for name in (
        "alerts_page",
        "attacks",
        "chart_page",
        "desk",
        "first_prices",
        "formula_editor",
        "layout",
        "mutes",
        "other_views",
        "push",
        "quality",
        "running_alerts",
        "token",
        "watch_page",
        "web_push",
    )
)
"""Files of the page's tests that share a running system; the others use a stand-in for it."""

TOGETHER = (RUNNING, ("tests/browser/",), ("tests/security/",))
"""Files and folders whose tests run in one worker, since they share a browser or a system."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order files by FIRST; how their tests stand within them stays."""
    places = [Path(__file__).parent / name for name in FIRST]

    @cache
    def place(path: Path) -> int:
        return next((n for n, first in enumerate(places) if path.is_relative_to(first)), 99)

    items.sort(key=lambda item: place(item.path))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect without the garbage collector, and have it leave out what is there then: modules and
    tests stay until the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


class FilesAndFolders(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """A file's tests run in one worker, and so do all tests of a group in TOGETHER."""

    def _split_scope(self, nodeid: str) -> str:
        """The file of a test, or its group's name."""
        group = next((group for group in TOGETHER if nodeid.startswith(group)), None)
        return " ".join(group) if group else str(super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    """Distribute tests for `--dist loadfile`; other schedulers are unchanged."""
    return FilesAndFolders(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(autouse=True)
def own_log_level() -> Iterator[None]:
    """Restore the level of our loggers: a test that reads settings sets it for the process."""
    log = logging.getLogger("ticktape")
    before = log.level
    yield
    log.setLevel(before)


@pytest.fixture(autouse=True)
def own_default_session() -> Iterator[None]:
    """Drop boto3's default session after each test: it keeps the first credentials that it finds,
    which may be those of another test's emulator."""
    yield
    boto3.DEFAULT_SESSION = None


@pytest.fixture(scope="session")
def emulated() -> Iterator[Emulated]:
    """One emulator for all tests of a worker that ask for it."""
    with Emulated() as emulator:
        yield emulator
