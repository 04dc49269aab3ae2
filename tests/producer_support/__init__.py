"""Helpers for the tests of the producer."""
