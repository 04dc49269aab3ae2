"""The version that the API reports; a test holds it to pyproject.toml's."""

VERSION = "0.1.0"
