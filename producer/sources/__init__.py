"""Sources: where ticks come from. Each source has a module, behind the interface in `base`."""
