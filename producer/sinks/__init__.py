"""Sinks: where ticks go. Each sink has a module, behind the interface in `base`."""
