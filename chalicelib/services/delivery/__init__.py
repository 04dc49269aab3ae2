"""Send recorded alerts over channels. Entry: `deliver`."""
