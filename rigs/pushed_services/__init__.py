"""Stand-ins for services that push prices, for tests and trials.

Each stand-in speaks the documented protocol of its service over real WebSockets and HTTP, and
misbehaves on demand. `python -m rigs.pushed_services coinbase` runs one.
"""
