"""Constants shared by the emulator's process and its parent."""

PRIVATE = "/_ticktape/"
"""Our own paths: no bucket's name may start with an underscore."""

DISK_FULL = 28
"""Exit status when the file cannot be written: unsaved changes are never acknowledged."""
