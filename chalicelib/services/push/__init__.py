"""Push what detect has computed to open pages. The entry point is `push`."""
