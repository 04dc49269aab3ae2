"""The error that ends a step."""

from __future__ import annotations


class DeployError(Exception):
    """A step cannot continue. The message says why and what to do."""
