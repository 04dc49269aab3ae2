"""The deployment, a step a module: `python -m infra.deploy --help`."""
