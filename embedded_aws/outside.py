"""What the emulator's process and the one that starts it have agreed on."""

PRIVATE = "/_ticktape/"
"""Paths that are ours: no bucket's name may start with an underscore."""

DISK_FULL = 28
"""Exit status where the file cannot be written: no answer leaves for what was not kept."""
