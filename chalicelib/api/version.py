"""The version that the API reports. A test compares it with the version in pyproject.toml."""

VERSION = "0.1.0"
