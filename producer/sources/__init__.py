"""Where ticks come from: one source a file, behind the interface of `base`."""
