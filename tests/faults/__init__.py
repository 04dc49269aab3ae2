"""Faults on a tick's way, none of which may leave a trace."""
