"""What ends a step."""

from __future__ import annotations


class DeployError(Exception):
    """A step cannot go on. The message says why and what to do, for people."""
