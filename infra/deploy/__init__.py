"""Deploys a stage to AWS, one module for each step: `python -m infra.deploy --help`."""
