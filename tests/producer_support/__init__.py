"""Shared by several tests of the producer."""
