"""The deployment, one module per step: `python -m infra.deploy --help`."""
