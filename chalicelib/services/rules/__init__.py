"""Save and list rules, list their alerts, and preview when a rule would have fired."""
