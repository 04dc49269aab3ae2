"""What Lambda's event source mappings do, for handlers in this process."""
