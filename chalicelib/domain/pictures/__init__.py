"""Small pictures of charts as PNG. Only `deliver` imports this, when a channel takes pictures."""
