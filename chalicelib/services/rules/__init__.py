"""Rules: save and list rules, list their alerts, and preview what a rule would have fired."""
