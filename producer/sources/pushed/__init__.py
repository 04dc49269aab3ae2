"""Sources that push prices over a WebSocket: one session class, and a feed for each service."""
