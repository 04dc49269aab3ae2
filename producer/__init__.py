"""The producer reads ticks from a source and sends them to a stream, each once and in order.

A tick passes through `sources` (where it comes from), `hygiene` and `ordering` (which ticks pass),
`outbox` and `spool` (ticks that wait) and `sender` and `sinks` (where it goes).
"""
