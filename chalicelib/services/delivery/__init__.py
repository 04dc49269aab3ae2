"""Sending recorded alerts over channels."""
