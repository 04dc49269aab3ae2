"""Removes work that moto repeats for every request: listing its own folder twice, searching a class
for its methods, and loading IAM to check nothing."""

from __future__ import annotations

import functools
from typing import Any

from moto import backends
from moto.core import responses
from moto.core.authorization import ActionAuthenticatorMixin


def install() -> None:
    """Install the patches."""
    modules = tuple(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: modules
    responses.method_names_from_class = functools.cache(responses.method_names_from_class)

    def allow(_self: Any, *_: Any, **__: Any) -> None:
        """Accept any credentials, as moto does by default."""

    ActionAuthenticatorMixin._authenticate_and_authorize_normal_action = allow
    ActionAuthenticatorMixin._authenticate_and_authorize_s3_action = allow
