"""What moto does anew for every request, and need not: listing its own folder, twice, looking
through a class for its methods, and loading IAM to check nothing.
"""

from __future__ import annotations

import functools
from typing import Any

from moto import backends
from moto.core import responses
from moto.core.authorization import ActionAuthenticatorMixin


def install() -> None:
    """Put the repairs into moto."""
    modules = tuple(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: modules
    responses.method_names_from_class = functools.cache(responses.method_names_from_class)

    def allow(_self: Any, *_: Any, **__: Any) -> None:
        """Any credentials are good on this machine, as they are in moto unless it is told."""

    ActionAuthenticatorMixin._authenticate_and_authorize_normal_action = allow
    ActionAuthenticatorMixin._authenticate_and_authorize_s3_action = allow
