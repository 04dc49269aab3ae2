"""Helpers for the tests of the local system."""
