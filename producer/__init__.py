"""The producer reads ticks from a source and sends them to a stream, in order and at least once.

A tick passes through `sources` (where it comes from), `hygiene` and `ordering` (which ticks pass),
`outbox` and `spool` (ticks that wait) and `sender` and `sinks` (where it goes).
"""
