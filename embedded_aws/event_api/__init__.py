"""AWS AppSync Events: clients subscribe to channels by WebSocket, and publish events over HTTP."""

from __future__ import annotations

from embedded_aws.event_api.api import EventApi

__all__ = ["EventApi"]
