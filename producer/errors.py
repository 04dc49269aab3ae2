"""What can go wrong in the producer.

ProducerError
├── UsageError           a flag, file or name that the user gave: exit status 2
├── SourceError          the source cannot go on: exit status 1
├── StoreError           the collector's table does not answer: the next run tries again
├── SpoolError           the spool's file failed (a full disk): exit status 1
└── SinkError            the sink
    ├── SinkUnavailable      it may take the records later: they are kept and sent again
    ├── SinkRefused          it will never take them: no such stream, no permission
    ├── ReaderGone           nobody reads its output any more: a quiet end
    └── LeaseOver            another run of the collector may send by now
"""

from __future__ import annotations


class ProducerError(Exception):
    """The root of this tree; the message is fit for the user's eyes."""


class UsageError(ProducerError):
    """What the user gave cannot be used; the message names it and what is allowed."""


class SourceError(ProducerError):
    """The source cannot go on."""


class StoreError(ProducerError):
    """The table of symbols, which holds the collector's lease, does not answer."""


class SpoolError(ProducerError):
    """The spool's file cannot be written or read any more."""


class SinkError(ProducerError):
    """The sink did not take what was sent."""


class SinkUnavailable(SinkError):  # noqa: N818 - a state that passes
    """The sink took nothing, but may take the same records later."""


class SinkRefused(SinkError):  # noqa: N818 - named by what the sink did
    """The sink will take nothing until somebody changes its name, its rights or its region."""


class ReaderGone(SinkError):  # noqa: N818 - a state, as in `| head`
    """Nobody reads the sink's output any more; the producer ends without complaint."""


class LeaseOver(SinkError):  # noqa: N818 - a state
    """A run of the collector may not send any more; what it has not sent is kept."""
