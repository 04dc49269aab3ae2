"""Athena's API in the emulator. What runs the statements is a process of its own, `engine`."""
