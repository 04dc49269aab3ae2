"""One AWS resource a file; wire formats stop here."""
