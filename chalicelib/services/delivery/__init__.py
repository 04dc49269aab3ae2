"""Send recorded alerts over channels. The entry point is `deliver`."""
