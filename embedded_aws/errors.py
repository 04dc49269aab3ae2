"""Errors that keep the embedded AWS from starting or running."""

from __future__ import annotations


class EmulatorError(Exception):
    """The emulator did not start. The message gives the reason."""


class EndedError(Exception):
    """The caller was asked to end while it waited for the emulator to start."""


class FolderError(Exception):
    """The data folder cannot store the data safely. The message names the folder and the reason."""


class CheckpointsError(Exception):
    """The file of checkpoints was not written by the embedded AWS. The message names the file."""
