"""Where ticks go: one sink a file, behind the interface of `base`."""
