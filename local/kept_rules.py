"""What a start says about stored rules."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from chalicelib.adapters.rules import Rules
from chalicelib.domain.rules import default_rules

_DEFAULTS = {rule.rule_id for rule in default_rules(1, 2, Decimal(1))}


def kept(dynamodb: Any, environment: dict[str, str]) -> str | None:
    """Return the note that a start shows about stored rules that replace default ones; None without
    any.

    Someone else may have stored them, and a rule that never fires sends no alerts.
    """
    stored = Rules(dynamodb, environment["RULES_TABLE"]).all()
    replaced = {rule.rule_id: rule for rule in stored if rule.rule_id in _DEFAULTS}
    if not replaced:
        return None
    which = "1 default rule is" if len(replaced) == 1 else f"{len(replaced)} default rules are"
    off = sum(not rule.enabled for rule in replaced.values())
    said = f", {off} of them switched off" if off else ""
    return f"{which} replaced by stored rules{said}: python -m local rules export"
