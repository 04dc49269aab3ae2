"""Errors that keep the embedded AWS from running."""

from __future__ import annotations


class EmulatorError(Exception):
    """The emulator did not start; the message has the reason."""


class EndedError(Exception):
    """The caller was asked to end while the emulator started."""


class FolderError(Exception):
    """The folder cannot store the data safely; the message names it and the reason."""


class CheckpointsError(Exception):
    """The checkpoint file is not ours; the message names it."""
