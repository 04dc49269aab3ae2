"""What a start says about stored states that cannot be read."""

from __future__ import annotations

from typing import Any

from chalicelib.adapters.state import States
from chalicelib.adapters.symbols import Symbols

MOST_READ = 1_000
_MOST_NAMED = 10


def kept(dynamodb: Any, environment: dict[str, str]) -> str | None:
    """Return the note that a start shows about symbols whose state cannot be read: they get no
    bars and alerts until it is rebuilt. None without any among the first MOST_READ symbols."""
    seen = Symbols(dynamodb, environment["SYMBOLS_TABLE"]).listed("seen")[:MOST_READ]
    states = States(dynamodb, environment["STATE_TABLE"])
    found = states.get_many(entry.symbol for entry in seen)
    broken = sorted(symbol for symbol, state in found.items() if state.unreadable)
    if not broken:
        return None
    which = "the state of 1 symbol" if len(broken) == 1 else f"the states of {len(broken)} symbols"
    return f"{which} cannot be read: python -m local rebuild {' '.join(broken[:_MOST_NAMED])}"
