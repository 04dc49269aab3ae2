"""Fixtures and hooks that tests of several folders share."""

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
"""All sessions of a process share botocore's parsed models, which saves a tenth of a second
each."""

botocore.useragent.sanitize_user_agent_string_component = cache(
    botocore.useragent.sanitize_user_agent_string_component
)
"""A request names its client in about ten words, and botocore checks each word by character."""

settings.register_profile(
    "same", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("explore", settings.get_profile("same"), derandomize=False)
settings.load_profile("same")
"""`make test` tries the same examples each time, `make test-long` others; both have no deadline."""

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
"""Slow files and folders, the slowest first. Otherwise a slow one could start last and run
alone."""

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
"""Files of the page's tests that share a running system. The other files use a stand-in for it."""

TOGETHER = (RUNNING, ("tests/browser/",), ("tests/security/",))
"""Groups of files and folders whose tests run in one worker: they share a browser or a system."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order files by FIRST. The order of the tests in a file stays."""
    places = [Path(__file__).parent / name for name in FIRST]

    @cache
    def place(path: Path) -> int:
        return next((n for n, first in enumerate(places) if path.is_relative_to(first)), 99)

    items.sort(key=lambda item: place(item.path))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect tests without the garbage collector. It ignores modules and tests afterwards, since
    they stay until the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


class FilesAndFolders(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Runs all tests of a file in one worker, and all tests of a group in TOGETHER."""

    def _split_scope(self, nodeid: str) -> str:
        """Return the group of a test if it is in one, or else its file."""
        group = next((group for group in TOGETHER if nodeid.startswith(group)), None)
        return " ".join(group) if group else str(super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    """Return our scheduler for `--dist loadfile`. Other schedulers are unchanged."""
    return FilesAndFolders(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(autouse=True)
def own_log_level() -> Iterator[None]:
    """Restore the level of our loggers, which tests that read settings change."""
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
    """Yield one emulator for all tests of a worker."""
    with Emulated() as emulator:
        yield emulator
