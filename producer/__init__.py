"""The producer reads ticks from a source and sends them to a sink, in order, at least once.

Ticks come from `sources`. `hygiene` and `ordering` decide which of them pass. They wait in `outbox`
and `spool`, and `sender` gives them to one of the `sinks`.
"""
