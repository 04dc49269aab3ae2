"""What the handlers and routes do, over stores that are passed in."""
