"""Lambda's event source mappings for handlers in this process."""
