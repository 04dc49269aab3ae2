"""Ids of channels. Rules and alerts name channels by id and know nothing else of them."""

from __future__ import annotations

import re

CHANNEL_ID = re.compile(r"[a-z0-9]{1,32}", re.ASCII)
CHANNEL_ID_ALLOWED = "1 to 32 of a-z 0-9"

SNS = "sns"
"""The id of the channel that every stage has: its SNS topic."""
