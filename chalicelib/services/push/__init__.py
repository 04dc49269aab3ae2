"""Push what detect has computed to open pages. Entry: `push`."""
