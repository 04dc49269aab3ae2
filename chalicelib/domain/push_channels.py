"""The channels on which changes of symbols are pushed.

`frontend/js/push.js` computes the same: a page subscribes to the channels of the symbols it shows.
"""

from __future__ import annotations

NAMESPACE = "ticktape"
"""The channel namespace: the first segment of each channel."""

_OFFSET, _PRIME, _MASK = 0x811C9DC5, 0x01000193, 0xFFFFFFFF


def channel_of(symbol: str, channels: int) -> str:
    """Return a symbol's channel among `channels` (1 or more), by the FNV-1a hash of its ASCII
    letters."""
    hashed = _OFFSET
    for byte in symbol.encode("ascii"):
        hashed = (hashed ^ byte) * _PRIME & _MASK
    return f"/{NAMESPACE}/prices/{hashed % channels}"
