"""Reads the flags' defaults from a TOML file, whose keys are the flags' names with `-` or `_`.

A flag on the command line takes precedence. An example of a file:

symbols = ["AAPL", "MSFT"]
interval = 30
sink = "kinesis"
stream = "ticktape-dev-ticks"
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from producer.errors import UsageError


def apply(path: str, parser: argparse.ArgumentParser) -> None:
    """Make a configuration file's values the defaults of a command. Raises UsageError, which names
    the file and the invalid name or value."""
    actions = {
        action.dest: action
        for action in parser._actions
        if action.option_strings and action.dest not in ("help", "config")
    }
    defaults = {}
    for name, value in _read(path).items():
        action = actions.get(name.replace("-", "_"))
        if action is None:
            allowed = ", ".join(sorted(action.replace("_", "-") for action in actions))
            raise UsageError(f"{path}: {name!r} is not a setting; allowed: {allowed}")
        defaults[action.dest] = _value(path, name, value, action)
    parser.set_defaults(**defaults)


def _read(path: str) -> Mapping[str, Any]:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - a path from the user
            return tomllib.load(file)
    except OSError as error:
        raise UsageError(f"--config: {path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"--config: {path}: {error}") from error


def _value(path: str, name: str, value: object, action: argparse.Action) -> object:
    """Convert a value of the file as the flag of the same name converts its argument."""
    if action.nargs == 0:
        if not isinstance(value, bool):
            raise UsageError(f"{path}: {name} is {value!r}; allowed: true, false")
        return value
    if action.nargs == "+":
        many = [value] if isinstance(value, str) or not isinstance(value, Sequence) else value
        return [action.type(str(one)) if callable(action.type) else str(one) for one in many]
    if isinstance(value, Sequence) and not isinstance(value, str):
        value = ",".join(map(str, value))
    try:
        made = action.type(str(value)) if callable(action.type) else str(value)
    except (argparse.ArgumentTypeError, ValueError) as error:
        raise UsageError(f"{path}: {name}: {error}") from error
    if action.choices is not None and made not in action.choices:
        allowed = ", ".join(map(str, action.choices))
        raise UsageError(f"{path}: {name}: {made!r} is not allowed; allowed: {allowed}")
    return made
