"""Shared by the deployment's tests: an emulated AWS, Terraform, and a stage's life."""
