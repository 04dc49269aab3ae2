"""The error that ends a step of a deployment."""

from __future__ import annotations


class DeployError(Exception):
    """A step cannot continue. The message gives the reason and what to do."""
