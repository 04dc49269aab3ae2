"""The channels on which changes of symbols are pushed.

`frontend/js/push.js` computes the same: a page subscribes to the channels of its symbols.
"""

from __future__ import annotations

NAMESPACE = "ticktape"
"""The channel namespace, which is the first segment of each channel's name."""

_OFFSET, _PRIME, _MASK = 0x811C9DC5, 0x01000193, 0xFFFFFFFF


def channel_of(symbol: str, channels: int) -> str:
    """Return the channel of a symbol, one of `channels` (1 or more), by the FNV-1a hash of the
    symbol's ASCII letters."""
    hashed = _OFFSET
    for byte in symbol.encode("ascii"):
        hashed = (hashed ^ byte) * _PRIME & _MASK
    return f"/{NAMESPACE}/prices/{hashed % channels}"
