"""Constants shared by the emulator's process and its parent."""

PRIVATE = "/_ticktape/"
"""Path of the emulator's own operations. No bucket's name may begin with an underscore."""

DISK_FULL = 28
"""Exit status of an emulator that cannot write its file. It never acknowledges unsaved changes."""
