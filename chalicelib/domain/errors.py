"""The errors of Ticktape's input and processing.

TicktapeError
├── FieldError          one field of the input is invalid
│   ├── TickError       of a tick on the wire
│   ├── SourceError     of a change of a series' source
│   ├── RuleError       of a rule
│   ├── KeyFieldError   of an API key
│   ├── ChannelError    of a channel
│   └── MuteError       of a mute
├── Unknown             a request names something that does not exist
├── Conflict            the current state does not allow the request
├── DeliveryError       a channel did not take a message (domain/deliveries.py)
├── UnreadableError     bytes that are not JSON of the expected shape
├── Contended           another invocation holds the claim: retry
├── TooLarge            an answer would hold too much, or take too much to make
│   └── TooManyCopies   stored items hold more copies of ticks than may be read at once
├── StatementRefused    Athena did not start a statement
├── CompactionError     a statement failed, or its result is wrong
├── BadPosition         a position in an answer that was never issued
└── OutOfTime           the deadline came; the next run continues
"""

from __future__ import annotations


class TicktapeError(Exception):
    """The base class of all errors in this tree."""


class FieldError(TicktapeError, ValueError):
    """One field of an input is invalid.

    `field` is its name on the wire, `value` the given value, `allowed` what is allowed.
    """

    def __init__(self, field: str, value: object, allowed: str) -> None:
        shown = repr(value)
        if len(shown) > 80:
            shown = shown[:77] + "..."
        super().__init__(f"{field}: {shown} is not allowed; allowed: {allowed}")
        self.shown = shown
        self.field = field
        self.value = value
        self.allowed = allowed


class TickError(FieldError):
    """An invalid field of a tick on the wire."""


class SourceError(FieldError):
    """An invalid field of a change of a series' source."""


class RuleError(FieldError):
    """An invalid field of a rule."""


class KeyFieldError(FieldError):
    """An invalid field of an API key."""


class ChannelError(FieldError):
    """An invalid field of a channel. `value` never holds an address or a secret."""


class MuteError(FieldError):
    """An invalid field of a mute."""


class Unknown(TicktapeError):  # noqa: N818 - named after the problem type
    """There is no `kind` (such as "rule") with this name."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"there is no {kind} {name!r}")
        self.kind = kind
        self.name = name


class Conflict(TicktapeError):  # noqa: N818 - named after the problem type
    """A request is well-formed, but the current state does not allow it. The message says why;
    `field` names the field at fault, if there is one."""

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(reason)
        self.field = field


class UnreadableError(TicktapeError, ValueError):
    """Bytes that cannot be parsed as ticks at all."""


class BadPosition(TicktapeError, ValueError):  # noqa: N818 - named after the problem type
    """The store did not issue this position in an answer. `args` holds the position."""


class Contended(TicktapeError):  # noqa: N818 - a state, which a retry resolves
    """Another invocation holds a claim or keeps winning. A later delivery resolves the conflict."""


class TooLarge(TicktapeError):  # noqa: N818 - named after the problem type
    """An answer would hold too much, or take too much to make. The message says what helps.
    `parameter` names the parameter at fault, and `allowed` its allowed values if there are any."""

    def __init__(self, reason: str, parameter: str = "limit", allowed: str = "") -> None:
        super().__init__(reason)
        self.parameter = parameter
        self.allowed = allowed


class TooManyCopies(TooLarge):
    """A range's items hold more than `most` copies of its ticks, or more than `most` ticks in one
    minute. These are too many to read."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"the ticks of the range are stored in more than {most:,} further copies, or lie so"
            " close that a minute has more of them: narrow it with start and end, or ask for bars",
            "start",
        )


class StatementRefused(TicktapeError):  # noqa: N818 - named after what happened
    """Athena did not start a statement, for example because it is too long or too many are
    running."""


class CompactionError(TicktapeError):
    """A statement of compaction failed, or its result differs from the raw archive."""


class OutOfTime(TicktapeError):  # noqa: N818 - a state, which the next run resolves
    """The time of a run is over. The next run continues."""
