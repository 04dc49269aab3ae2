"""What goes wrong on the way of a tick, and that it leaves no trace."""
