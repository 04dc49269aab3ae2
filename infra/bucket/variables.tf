variable "name" {
  description = "The bucket's name."
  type        = string
}

variable "key_arn" {
  description = "ARN of the key that encrypts the bucket's objects; null for S3's own."
  type        = string
  default     = null
}

variable "takes_acls" {
  description = "Whether writers may set ACLs, as CloudFront's standard logs do."
  type        = bool
  default     = false
}

variable "disposable" {
  description = "Whether the bucket may be destroyed with its objects."
  type        = bool
  default     = false
}

variable "older_version_days" {
  description = "Days that a version is kept after a newer one or a deletion."
  type        = number
}

variable "lifecycle_rules" {
  description = "Rules by name: prefix, days until a cheaper class (null for never), days until expiry."
  type = map(object({
    prefix = string
    cold   = optional(number)
    days   = number
  }))
  default = {}
}

variable "statements" {
  description = "Permissions of services on the bucket's objects: sid, service, action and the condition that restricts it to our resources."
  type = list(object({
    sid       = string
    service   = string
    action    = string
    condition = object({ variable = string, value = string })
  }))
  default = []
}
