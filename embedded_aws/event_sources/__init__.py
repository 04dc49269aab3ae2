"""Lambda's event source mappings, which pass records to handlers in this process."""
