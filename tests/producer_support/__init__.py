"""What several tests of the producer share."""
