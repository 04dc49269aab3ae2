"""Draws charts as small PNG pictures. Only `deliver` imports this, if a channel takes pictures."""
