"""Where ticks go: one module per sink, behind the interface in `base`."""
