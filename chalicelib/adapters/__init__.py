"""One AWS resource per file; wire formats stop here."""
