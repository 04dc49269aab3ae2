"""Schemas of the OpenAPI document: the structure of answers."""

from __future__ import annotations

from typing import get_args

import msgspec

from chalicelib.api.bodies import MOST_CLAIMS
from chalicelib.api.openapi_forms import (
    COUNT,
    FLAG,
    INSTANT,
    PRICE,
    SYMBOL,
    SYMBOL_GIVEN,
    TOKEN,
    array,
    choice,
    count,
    flag,
    instant,
    list_of,
    nullable,
    number,
    record,
    ref,
    text,
)
from chalicelib.api.openapi_report_schemas import REPORTS
from chalicelib.api.openapi_structs import Schema, properties_of, record_of
from chalicelib.api.openapi_when_schemas import MAX_WHEN, PREVIEWED_WHEN, WHEN
from chalicelib.api.push_views import Push
from chalicelib.domain.alerts import Severity
from chalicelib.domain.backtest import Backtest, TradingCosts
from chalicelib.domain.deliveries import DeliveryStatus
from chalicelib.domain.rules import (
    MAX_COOLDOWN_SECONDS,
    MAX_RULE_CHANNELS,
    MAX_WINDOW,
    Condition,
    Trigger,
)
from chalicelib.domain.rules import Interval as RuleInterval
from chalicelib.domain.sources import SOURCE, Switch
from chalicelib.domain.standby import LEAST_SECONDS, MOST_SECONDS, USUAL_SECONDS
from chalicelib.services.market_data.answers import (
    ActionRow,
    BarRow,
    Quote,
    SymbolBarRow,
    TickRow,
)
from chalicelib.services.market_data.freshness import Labels
from chalicelib.services.market_data.queries import ADJUSTMENTS, BAR_INTERVALS, PERIODS
from chalicelib.services.symbol_stores import SymbolEntry
from chalicelib.services.symbols.lists import NEWEST_SWITCHES, Listed
from chalicelib.services.symbols.standing_by import Claim

LABELS = properties_of(Labels)
del LABELS["cache_seconds"]

ALERT: dict[str, Schema] = {
    "alert_id": text("The same for the same rule, symbol and tick."),
    "rule_id": text(),
    "symbol": SYMBOL,
    "timestamp": instant("The tick's time."),
    "condition": text(enum=list(get_args(Condition))),
    "interval": text("Whether the rule judges ticks, or closed bars of an interval."),
    "price": PRICE,
    "values": {
        "type": "object",
        "description": "The values that the rule was judged by.",
        "additionalProperties": number(),
    },
    "message": text(),
    "source": LABELS["source"],
    "severity": text("That of its rule.", enum=list(get_args(Severity))),
    "quiet": nullable(text("Why it was only recorded; null if it was to be sent.")),
    "held": array(
        record(
            {
                "channel": text("The channel's id."),
                "until": INSTANT,
                "reason": text("Why, such as `quiet hours until 07:00 Europe/Berlin`."),
            }
        ),
        "The channels that hold it for a digest, which is still to come.",
    ),
    "notified_at": nullable(instant("When the first channel accepted it; null before that.")),
}

DELIVERY: dict[str, Schema] = {
    "channel": text("The channel's id: sns for the alerts topic."),
    "status": text(
        "sending: an attempt is under way. waiting: the last one failed, and another follows. "
        "dead: no further attempt is made. held: it waits for its digest; afterwards this is the "
        "status of the digest.",
        enum=list(get_args(DeliveryStatus)),
    ),
    "attempts": count("Attempts so far."),
    "at": instant("The time of the last attempt; while it is held, the time since when."),
    "seconds": number("Seconds from the tick to the last attempt."),
    "error": nullable(text("Why the last attempt failed; null if it did not.")),
    "next_attempt_at": nullable(
        instant("When the next attempt of a waiting delivery, or a digest, is due.")
    ),
    "held_until": nullable(instant("The time of its digest; null if the alert was not held.")),
    "held_reason": nullable(text("Why it was held, such as `limit of 5 messages in 10 minutes`.")),
}

WOULD_BE = {
    name: ALERT[name]
    for name in ("symbol", "timestamp", "condition", "interval", "price", "values", "message")
}

SYMBOL_LINE = properties_of(SymbolEntry) | properties_of(Listed)
del SYMBOL_LINE["entry"]
SYMBOL_LINE["switches"] = array(
    ref("Switch"),
    "Changes of the source, in order; the last one may be ahead. GET /symbols has "
    f"the last {NEWEST_SWITCHES} of each symbol, GET /symbols/{{symbol}} all.",
)
SYMBOL_LINE["standby"] = nullable(
    text("The source that takes over if the first one is silent.", examples=["yfinance"])
)
SYMBOL_LINE["standby_after"] = nullable(
    count("The seconds of silence after which it does, in an open market.")
)
SYMBOL_LINE["switch_count"] = count("The number of all changes.")

_ROW_SOURCES = array(
    ref("Switch"), "The sources of the rows in the order of time, each with its first row."
)

RULE_GIVEN: dict[str, Schema] = {
    "symbol": text('A symbol, or "*" for all.', pattern="^([A-Za-z0-9.\\-=^_]{1,24}|\\*)$"),
    "condition": text(enum=list(get_args(Condition))),
    "value": nullable(
        number("A price; for change_percent and moving_percent a percentage.", exclusiveMinimum=0)
    ),
    "interval": choice(
        "Whether ticks are judged, or closed bars of an interval; tick by default.",
        get_args(RuleInterval),
    ),
    "fast": nullable({**COUNT, "minimum": 1, "maximum": MAX_WINDOW}),
    "slow": nullable({**COUNT, "minimum": 1, "maximum": MAX_WINDOW}),
    "window": nullable({**COUNT, "minimum": 1, "maximum": MAX_WINDOW}),
    "trigger": choice("How often it may fire; every_time by default.", get_args(Trigger)),
    "cooldown_seconds": nullable({**COUNT, "maximum": MAX_COOLDOWN_SECONDS}),
    "expires_at": nullable(INSTANT),
    "enabled": nullable(FLAG),
    "notify": nullable(FLAG),
    "channels": {
        "type": ["array", "null"],
        "items": text(pattern="^[a-z0-9]{1,32}$"),
        "maxItems": MAX_RULE_CHANNELS,
        "description": "Ids of the channels that its alerts go to; if empty, the default ones.",
    },
    "when": {
        "description": "A condition over indicators, for the condition `when`: its text form, such "
        "as `rsi(14) < 30 and close > sma(200, 1d)`, or its tree. Answers have the text.",
        "anyOf": [text(maxLength=MAX_WHEN), ref("When"), {"type": "null"}],
    },
    "severity": choice(
        "normal by default. Alerts of urgent rules are sent at once and never held back.",
        get_args(Severity),
    ),
}
"""A rule as clients write it. The schema does not say which numbers a rule's condition needs."""

RULE: dict[str, Schema] = {
    "rule_id": text(),
    **RULE_GIVEN,
    "when": nullable(text("The text form of its condition; null for other conditions.")),
    "default": flag("Whether it comes from the settings."),
}

PROBLEM = record(
    {
        "type": text("A URN that names the kind of problem.", format="uri"),
        "title": text("The kind of problem in words."),
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": text("What was wrong with this request."),
    },
    "RFC 9457. If one input is at fault, `parameter` (path, query) or `field` (body) names it.",
)
PROBLEM["properties"] |= {
    "parameter": text("The parameter at fault."),
    "field": text("The field at fault."),
    "value": text("The value given, cut to 80 characters."),
    "allowed": text("The allowed values."),
    "column": count("Where the text of `when` goes wrong, from 1."),
}


def _source(description: str) -> Schema:
    return text(description, pattern=f"^{SOURCE.pattern}$", maxLength=64)


def average_names(fast: int, slow: int) -> dict[str, Schema]:
    """Return the schemas of a quote's two averages, by names that contain their windows."""
    return {
        f"sma_{size}": nullable(
            number(f"Mean of the newest {size} prices; null until there are {size}.")
        )
        for size in (fast, slow)
    }


_ACTIONS = array(
    ref("Action"),
    "Present with adjustment=splits or all: the stored splits, and with all the "
    "dividends, by ex-date.",
)

_PRICES: dict[str, Schema] = {
    "Problem": PROBLEM,
    "Tick": record_of(TickRow, "One stored tick; null for unknown values."),
    "Bar": record_of(BarRow, "One bar; intervals without a price have none."),
    "Prices": record(
        {
            "symbol": SYMBOL,
            "interval": text("The chosen interval for interval=auto.")
            | {"enum": ["tick", *BAR_INTERVALS]},
            **LABELS,
            "sources": _ROW_SOURCES,
            "prices": array({"anyOf": [ref("Bar"), ref("Tick")]}),
            "next_page_token": TOKEN,
        },
        "Rows of one symbol: ticks for interval=tick, else bars.",
    ),
    "Action": record_of(ActionRow, "A split or dividend, as a source told of it."),
    "SymbolBar": record_of(SymbolBarRow, "One bar of a table of several symbols."),
    "SymbolLabels": record(
        {"symbol": SYMBOL, **LABELS, "sources": _ROW_SOURCES},
        "The source, age and state of a symbol's prices.",
    ),
    "ManyPrices": record(
        {
            "interval": text() | {"enum": ["tick", *BAR_INTERVALS]},
            "symbols": list_of("SymbolLabels"),
            "prices": array({"anyOf": [ref("SymbolBar"), ref("Tick")]}),
            "next_page_token": TOKEN,
        },
        "Rows of several symbols: ticks for interval=tick, else bars. `symbols` lists those that "
        "this page has reached.",
    ),
    "Quotes": record(
        {
            "quotes": list_of("Quote"),
            "without_price": array(SYMBOL, "Requested symbols that have no price."),
        }
    ),
    "Symbol": record(SYMBOL_LINE),
    "Switch": record_of(Switch, "A source of prices, and the first instant of it."),
    "SourceGiven": record(
        {
            "source": _source("As ticks name it, such as `alpaca`."),
            "from": nullable(
                text(
                    "A whole minute at least 6 minutes ahead; the first such minute by default.",
                    format="date-time",
                )
            ),
            "standby": nullable(
                _source(
                    "Another source, which takes over if this one is silent. Without it, there is "
                    "none from now on."
                )
            ),
            "standby_after": nullable(
                count(
                    f"Seconds of silence in an open market; {USUAL_SECONDS} by default.",
                    minimum=LEAST_SECONDS,
                    maximum=MOST_SECONDS,
                )
            ),
        },
        "From when on prices of one source form the series. Those of others go to "
        "quarantine. A series without prices begins with it.",
        required=["source"],
        additionalProperties=False,
    ),
    "ClaimsGiven": record(
        {
            "source": _source("The claiming source."),
            "symbols": array(SYMBOL, minItems=1, maxItems=MOST_CLAIMS),
        },
        required=["source", "symbols"],
        additionalProperties=False,
    ),
    "Claim": record_of(Claim, "The answer to a claim of a symbol."),
    "Claims": record({"symbols": list_of("Claim")}),
    "Forgotten": record(
        {
            "symbol": SYMBOL,
            "prices": COUNT,
            "bars": COUNT,
            "alerts": COUNT,
            "complete": flag("false: time ran out; repeat the request to continue."),
        },
        "How many items were deleted.",
    ),
    "Symbols": record({"symbols": list_of("Symbol"), "next_page_token": TOKEN}),
    "Indicators": record(
        {
            "symbol": SYMBOL,
            "interval": text(),
            **LABELS,
            "indicators": array(
                record(
                    {"timestamp": INSTANT},
                    "Columns are named by indicator and windows: sma_20, "
                    "macd_12_26_9, macd_signal_12_26_9, macd_histogram_12_26_9, "
                    "bbands_upper_20_2, vwap; null before the first value.",
                    required=["timestamp"],
                    additionalProperties=nullable(number()),
                )
            ),
            "next_page_token": TOKEN,
        }
    ),
    "Producer": record(
        {
            "command": text("The producer's command: stream, replay, backfill or collector."),
            "source": text(examples=["simulator"]),
            "state": text("One of the states in docs/producer.md.", examples=["sending history"]),
            "progress": nullable(
                number(
                    "The share of its history that was sent.", minimum=0, maximum=1, examples=[0.4]
                )
            ),
            "time": instant("When it reported, by its own clock."),
            "age_seconds": COUNT,
            "problem": nullable(
                text("A problem of the last minute; null if reading needs a token.")
            ),
            "dropped": {
                "type": "object",
                "additionalProperties": COUNT,
                "description": "Ticks that it did not send, by reason; "
                "empty if reading needs a token.",
            },
        },
        "The latest report of the producer. A running producer reports at least every 30 s.",
    ),
    "Health": record(
        {
            "status": text(const="ok"),
            "stage": text(),
            "version": text(),
            "symbols": count("The number of symbols seen."),
            "last_tick": nullable(
                instant("The timestamp of the newest price, of at most 25 symbols.")
            ),
            "last_tick_age_seconds": nullable(COUNT),
            "detect_lag_seconds": count(
                "The age of the oldest price that detect has not processed; 0 if it "
                "has processed all. Covers at most 25 symbols, spread over the list."
            ),
            "deliver_lag_seconds": count(
                "The age of the oldest alert whose first attempt has not begun, or "
                "how long a further attempt has been due, whichever is longer; 0 if nothing is "
                "behind. Covers the latest 100 alerts of a day and of the last six hours."
            ),
            "given_up": nullable(
                count("Dead-lettered batches to redrive; 1,000 means 1,000 or more.")
            ),
            "silent_symbols": count(
                "Symbols whose exchange trades and of which no price has come for"
                " some minutes of trading, 15 by default. Covers at most 500 symbols, the tracked"
                " ones first."
            ),
            "silent": array(
                SYMBOL,
                "At most 25 of them, the longest silence first; empty if reading needs a token.",
            ),
            "producer": {"anyOf": [ref("Producer"), {"type": "null"}]},
        },
        "Ages inform; they never turn the answer into an error.",
    ),
}
for _adjusted in ("Prices", "SymbolLabels"):
    _PRICES[_adjusted]["properties"]["actions"] = _ACTIONS

BACKTEST: dict[str, Schema] = msgspec.json.schema_components(
    [Backtest, TradingCosts], ref_template="#/components/schemas/{name}"
)[1]

BACKTEST_GIVEN: Schema = {
    "description": "Also say what followed the signals: true, or how to trade them.",
    "anyOf": [nullable(FLAG), ref("TradingCosts")],
}

BACKTESTED: Schema = {
    "description": "What followed the signals, if it was asked for.",
    "anyOf": [ref("Backtest"), {"type": "null"}],
}

_RULE_REQUIRED: Schema = {
    "required": ["symbol"],
    "anyOf": [{"required": ["condition"]}, {"required": ["when"]}],
}

_RULES: dict[str, Schema] = {
    "Alert": record(ALERT),
    "Delivery": record(DELIVERY),
    "DeliveredAlert": record({**ALERT, "deliveries": list_of("Delivery")}),
    "Alerts": record({"alerts": list_of("Alert"), "next_page_token": TOKEN}),
    "RuleGiven": {
        "type": "object",
        "properties": RULE_GIVEN,
        **_RULE_REQUIRED,
    },
    "PreviewGiven": {
        "type": "object",
        "properties": {
            **RULE_GIVEN,
            "symbol": SYMBOL_GIVEN,
            "backtest": BACKTEST_GIVEN,
            "start": nullable(text("A date, an RFC 3339 date-time or epoch milliseconds.")),
            "end": nullable(text("The same; exclusive.")),
            "period": choice("Instead of start and end, as for prices.", PERIODS),
            "adjustment": choice(
                "How bars are adjusted: raw not at all; splits for those that a source told "
                "or ticks showed; all for dividends too. Each bar is judged with those up to "
                "its own session, whenever they became known. Without it, as live: for the "
                "splits that ticks told or showed. Not for rules on ticks.",
                ADJUSTMENTS,
            ),
            "page_token": nullable(
                text(
                    "The `next_page_token` of the preview to continue; all else but `backtest` "
                    "as before."
                )
            ),
        },
        **_RULE_REQUIRED,
    },
    "Preview": record(
        {
            "alerts": array(record(WOULD_BE)),
            "judged": count("The number of prices or closes judged."),
            "complete": flag("false if a limit, or 10 seconds, ended it before the range's end."),
            "until": nullable(instant("The time of the last price judged.")),
            "next_page_token": nullable(
                text(
                    "Continues a preview that is not complete, with what the rule remembers at "
                    "`until`; null if it is complete."
                )
            ),
            "unknown": count(
                "At how many of them the condition `when` was not known: too few "
                "bars are stored before."
            ),
            "when": PREVIEWED_WHEN,
            "backtest": BACKTESTED,
        }
    ),
    **WHEN,
    **BACKTEST,
    "Rule": record(RULE),
    "BrokenRule": record(
        {
            "rule_id": text(),
            "symbol": text(),
            "problem": text("What is wrong, with the field's name."),
        },
        "A stored rule that cannot be read. It is not judged until it is replaced or deleted.",
    ),
    "Rules": record({"rules": list_of("Rule"), "broken": list_of("BrokenRule")}),
}


def schemas(fast: int, slow: int) -> dict[str, Schema]:
    """Return all schemas by name. `fast` and `slow` are the windows of a quote's averages."""
    trend: Schema = {
        "enum": ["up", "down", "flat", None],
        "description": f"sma_{fast} above, below or at sma_{slow}; null before both are known.",
    }
    return {
        **_PRICES,
        **_RULES,
        "Quote": record(
            {
                **properties_of(TickRow),
                **average_names(fast, slow),
                "trend": trend,
                "alerted_at": properties_of(Quote)["alerted_at"],
                **LABELS,
            },
            "The newest tick with both averages and their trend.",
        ),
        "Push": record_of(Push),
        **REPORTS,
    }
