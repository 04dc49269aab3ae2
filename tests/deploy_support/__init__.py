"""What the deployment's tests share: an emulated AWS, Terraform, and a stage's life."""
