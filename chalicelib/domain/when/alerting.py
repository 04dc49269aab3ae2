"""Makes the alert of a rule with `when`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from chalicelib.domain.alerts import Alert
from chalicelib.domain.detection import Watch, make_alert
from chalicelib.domain.rules import Rule
from chalicelib.domain.ticks import Tick, number
from chalicelib.domain.watching import Observation
from chalicelib.domain.when.nodes import Leaf
from chalicelib.domain.when.writing import leaf_text


def alert_of(
    rule: Rule,
    observation: Observation,
    tick: Tick,
    watch: Watch,
    quiet: str,
    values: Mapping[Leaf, Decimal],
) -> Alert:
    """Return the alert of a rule that fired at an observation. The alert shows the values that the
    rule's condition names, by their text and rounded to eight decimals."""
    made = make_alert(rule, observation, tick, watch, quiet)
    shown = {leaf_text(leaf): number(value) for leaf, value in values.items()}
    return msgspec.structs.replace(made, values=made.values | shown)
