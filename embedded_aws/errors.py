"""What keeps the embedded AWS from running."""

from __future__ import annotations


class EmulatorError(Exception):
    """The emulator did not start; the message says why."""


class EndedError(Exception):
    """The caller was asked to end while the emulator started."""


class FolderError(Exception):
    """The folder cannot keep the data safely; the message names it and says why."""


class CheckpointsError(Exception):
    """The file of the checkpoints is none of ours; the message names it."""
