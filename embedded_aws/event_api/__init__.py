"""AWS AppSync Events: WebSocket subscribers of channels, and events published over HTTP."""

from __future__ import annotations

from embedded_aws.event_api.api import EventApi

__all__ = ["EventApi"]
