"""Tracked symbols, and forgetting everything stored of one."""
