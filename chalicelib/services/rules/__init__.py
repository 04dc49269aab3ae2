"""Rules: save and list them, list their alerts, and preview what a rule would have fired."""
