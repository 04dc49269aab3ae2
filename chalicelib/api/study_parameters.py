"""Parses the parameters of indicators: `sma=5,20&rsi=14&macd=12,26,9&bbands=20,2&vwap=session`."""

from __future__ import annotations

from chalicelib.api.parameters import PRICES, Arguments
from chalicelib.api.problems import Problem, invalid_parameter
from chalicelib.services.market_data.indicator_list import INDICATORS
from chalicelib.services.market_data.studies import Study

PARAMETERS = (*INDICATORS, *PRICES)


def studies_of(arguments: Arguments) -> list[Study]:
    """Return the requested indicators, at least one, in the order of INDICATORS. Raises Problem."""
    studies: list[Study] = []
    for kind in INDICATORS:
        given = arguments.text(kind)
        if given is not None:
            studies += _studies(kind, given)
    if not studies:
        raise Problem(
            400,
            f"no indicator is asked for; give at least one of {', '.join(INDICATORS)}",
            kind="invalid-parameter",
            parameter="sma",
            value="",
            allowed=INDICATORS["sma"].allowed,
        )
    if arguments.text("interval") == "tick" and any(study.needs_bars for study in studies):
        need = " and ".join(kind for kind, one in INDICATORS.items() if one.needs_bars)
        raise invalid_parameter("interval", "tick", f"a bar: {need} need high, low and volume")
    return studies


def _studies(kind: str, given: str) -> list[Study]:
    indicator = INDICATORS[kind]
    found = [Study(kind, numbers) for numbers in indicator.read(given.split(","))]
    if not found:
        raise invalid_parameter(kind, given, indicator.allowed)
    return found
