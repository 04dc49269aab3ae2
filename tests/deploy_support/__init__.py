"""What the deployment's tests share: an emulated AWS, Terraform, and the history of a stage."""
