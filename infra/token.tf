# The SHA-256 of the first key's token, set by `make token`. The token itself is not stored.
resource "aws_ssm_parameter" "token" {
  #checkov:skip=CKV2_AWS_34:A hash of 256 random bits reveals nothing, and the functions' environment has it too
  name        = "/${local.resources.app}/${var.stage}/write-token-sha256"
  description = "SHA-256 of the first key's token; none until one is made."
  type        = "String"
  value       = "none"

  lifecycle {
    ignore_changes = [value]
  }
}
