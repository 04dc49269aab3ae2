"""Where ticks come from: one module per source, behind the interface in `base`."""
