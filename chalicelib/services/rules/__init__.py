"""Rules: saving and listing them, their alerts, and what a rule would have fired."""
