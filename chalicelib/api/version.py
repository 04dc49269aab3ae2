"""The version that the API reports; a test compares it with pyproject.toml's."""

VERSION = "0.1.0"
