"""The errors that the producer raises.

ProducerError
├── UsageError           an invalid flag, file or name: exit status 2
├── SourceError          the source cannot continue: exit status 1
├── StoreError           the collector's table does not answer: the next run tries again
├── SpoolError           the spool's file failed (a full disk): exit status 1
└── SinkError            the sink
    ├── SinkUnavailable      the sink may accept the records later: they are sent again
    ├── SinkRefused          the sink never accepts them: no such stream, no permission
    ├── ReaderGone           the reader of the sink's output has gone: the run ends quietly
    └── LeaseOver            another run of the collector may send by now
"""

from __future__ import annotations


class ProducerError(Exception):
    """The base class of the producer's errors. Messages are written for the user."""


class UsageError(ProducerError):
    """The user's input is invalid; the message names it and what is allowed."""


class SourceError(ProducerError):
    """The source cannot continue."""


class StoreError(ProducerError):
    """The symbols table, which holds the collector's lease, does not answer."""


class SpoolError(ProducerError):
    """The spool's file can no longer be written or read."""


class SinkError(ProducerError):
    """The sink did not accept a request. The base class of the sink's errors."""


class SinkUnavailable(SinkError):  # noqa: N818 - a state that passes
    """The sink accepted nothing now, but it may accept the same records later."""


class SinkRefused(SinkError):  # noqa: N818 - named by what the sink did
    """The sink accepts nothing until its name, permissions or region are corrected."""


class ReaderGone(SinkError):  # noqa: N818 - a state, as in `| head`
    """The reader of the sink's output has gone; the producer ends without an error."""


class LeaseOver(SinkError):  # noqa: N818 - a state
    """A run of the collector may no longer send. Unsent lines are kept."""
