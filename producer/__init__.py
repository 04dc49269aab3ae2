"""The producer: gets ticks from a source and brings them to a stream, each once and in order.

A tick passes through `sources` (where it comes from), `hygiene` and `ordering` (what may pass),
`outbox` and `spool` (what waits), `sender` and `sinks` (where it goes).
"""
