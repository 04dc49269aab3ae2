"""Runs the services with pools of one thread, so that a test decides what happens between calls."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType
from unittest import mock

from chalicelib import adapters, services

_SIZE = re.compile(r"_?(PARALLEL_[A-Z]+|AT_ONCE)")
"""Matches the names of constants that set how many threads a pool has."""


def pools() -> list[tuple[ModuleType, str]]:
    """Return each module of the services and adapters that has a pool, and its constant's name."""
    modules = [
        importlib.import_module(module.name)
        for package in (services, adapters)
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    ]
    return [(module, name) for module in modules for name in vars(module) if _SIZE.fullmatch(name)]


@contextmanager
def one_call_at_a_time() -> Iterator[None]:
    """Let no two threads of an invocation call AWS at once."""
    with ExitStack() as stack:
        for module, name in pools():
            stack.enter_context(mock.patch.object(module, name, 1))
        yield
