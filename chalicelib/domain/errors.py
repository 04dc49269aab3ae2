"""What can be wrong with what Ticktape is given.

TicktapeError
├── FieldError          one field of the input is not as it must be
│   ├── TickError       of a tick on the wire
│   ├── RuleError       of a rule
│   └── KeyFieldError   of an API key
├── DeliveryError       a channel did not take a message (domain/deliveries.py)
├── UnreadableError     bytes that are no JSON of the expected shape
├── Contended           somebody else holds what is needed: ask again
├── Incomplete          a deadline came before everything was written: ask again
├── TooManyCopies       stored items hold more copies of ticks than may be read at once
├── StatementRefused    Athena did not start a statement
├── CompactionError     a statement failed, or what it wrote is not what it should be
├── BadPosition         a place in an answer that nobody has given out
└── OutOfTime           a deadline came; the next run goes on from there
"""

from __future__ import annotations


class TicktapeError(Exception):
    """The root of this tree."""


class FieldError(TicktapeError, ValueError):
    """One field of an input is not as it must be.

    `field` is its name on the wire, `value` what was given, `allowed` what may be given.
    """

    def __init__(self, field: str, value: object, allowed: str) -> None:
        shown = repr(value)
        if len(shown) > 80:
            shown = shown[:77] + "..."
        super().__init__(f"{field}: {shown} is not allowed; allowed: {allowed}")
        self.field = field
        self.value = value
        self.allowed = allowed


class TickError(FieldError):
    """A field of a tick on the wire."""


class RuleError(FieldError):
    """A field of a rule."""


class KeyFieldError(FieldError):
    """A field of an API key."""


class UnreadableError(TicktapeError, ValueError):
    """Bytes that cannot be read as ticks at all."""


class BadPosition(TicktapeError, ValueError):  # noqa: N818 - named as the problem that it becomes
    """A position in an answer that the store has not given out; `args` is that."""


class Contended(TicktapeError):  # noqa: N818 - a state of affairs that a retry resolves
    """Another invocation holds a claim or keeps winning; a later delivery settles it."""


class Incomplete(TicktapeError):  # noqa: N818 - a state of affairs that a retry resolves
    """The deadline came before everything was written; a later delivery settles it."""


class TooManyCopies(TicktapeError):  # noqa: N818 - named as what is found
    """The items of a range hold more copies of its ticks than may be read; `args` is the most."""


class StatementRefused(TicktapeError):  # noqa: N818 - named as what has happened
    """Athena did not start a statement: it is too long, say, or too many are running."""


class CompactionError(TicktapeError):
    """A statement of compaction failed, or what was written is not what the raw archive holds."""


class OutOfTime(TicktapeError):  # noqa: N818 - a state of affairs that the next run resolves
    """The time of a run is over; the next one goes on from there."""
