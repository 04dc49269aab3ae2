variable "stage" {
  description = "Name of the deployment and of its Terraform workspace, part of every resource's name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{0,15}$", var.stage))
    error_message = "Allowed: 1 to 16 of a-z and 0-9, starting with a letter."
  }
}

variable "first_day" {
  description = "The first day (UTC) of the archive that SQL reads. `make deploy` passes the day of the stage's first deployment."
  type        = string

  validation {
    condition     = can(regex("^20[0-9]{2}-[01][0-9]-[0-3][0-9]$", var.first_day))
    error_message = "Allowed: a date such as 2026-11-22."
  }
}

variable "region" {
  description = "AWS region."
  type        = string
  default     = "us-east-1"
}

variable "kinesis" {
  description = "Mode of the stream (provisioned, on_demand, or off if ticks only come by the queue), its shards, and its retention in hours. Shards and retention default to those of resources.json."
  type = object({
    mode            = optional(string, "provisioned")
    shards          = optional(number)
    retention_hours = optional(number)
  })
  default = {}

  validation {
    condition     = contains(["provisioned", "on_demand", "off"], var.kinesis.mode)
    error_message = "Allowed modes: provisioned, on_demand, off."
  }

  validation {
    condition     = var.kinesis.mode != "off" || var.sqs
    error_message = "Without a stream, ticks need the queue: set sqs = true."
  }
}

variable "sqs" {
  description = "Whether a FIFO queue accepts ticks, beside the stream or instead of it."
  type        = bool
  default     = false
}

variable "functions" {
  description = "Memory (MB), timeout (seconds) and reserved concurrency of functions and the collector, where they differ from resources.json. Lambda leaves 100 of the account's executions unreserved."
  type = map(object({
    memory_mb            = optional(number)
    timeout_seconds      = optional(number)
    reserved_concurrency = optional(number)
  }))
  default = {}

  validation {
    condition     = length(setsubtract(keys(var.functions), concat(["collector"], keys(local.resources.functions)))) == 0
    error_message = "Allowed names: collector, ${join(", ", keys(local.resources.functions))}."
  }

  validation {
    condition     = alltrue([for one in values(var.functions) : coalesce(one.reserved_concurrency, 1) >= 1])
    error_message = "reserved_concurrency must be 1 or more: a function with 0 never runs."
  }

  validation {
    condition     = coalesce(try(var.functions.collector.timeout_seconds, null), local.resources.collector.timeout_seconds) >= local.resources.collector.timeout_seconds
    error_message = "collector: timeout_seconds must be ${local.resources.collector.timeout_seconds} or more, so that a run of a minute can finish."
  }
}

variable "architecture" {
  description = "Processor of the functions: arm64 costs a fifth less, x86_64 is for wheels without an arm64 build."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "Allowed: arm64, x86_64."
  }
}

variable "tracing" {
  description = "Whether functions and API send traces to X-Ray."
  type        = bool
  default     = true
}

variable "settings" {
  description = "Further settings of the application, of its event source mappings and of the collector, by environment variable, such as { ANOMALY_PERCENT = \"3\", DETECT_WINDOW_SECONDS = \"10\", COLLECTOR_SYMBOLS = \"AAPL,MSFT\" }; docs/settings.md lists them."
  type        = map(string)
  default     = {}
}

variable "read_access" {
  description = "closed: reading needs a key, as writing does; open: anyone may read."
  type        = string
  default     = "closed"

  validation {
    condition     = contains(["open", "closed"], var.read_access)
    error_message = "Allowed: open, closed."
  }
}

variable "page" {
  description = "cloudfront: CloudFront serves the page, which AWS may refuse to new accounts; none: only the API, no page."
  type        = string
  default     = "cloudfront"

  validation {
    condition     = contains(["cloudfront", "none"], var.page)
    error_message = "Allowed: cloudfront, none."
  }
}

variable "collector" {
  description = "The collector of prices. lambda: a function that polls Yahoo, started each minute; fargate: the producer's container (collector_image), for pushed prices; none: a producer runs elsewhere, or you send your own ticks."
  type        = string
  default     = "none"

  validation {
    condition     = contains(["lambda", "fargate", "none"], var.collector)
    error_message = "Allowed: lambda, fargate, none."
  }

  validation {
    condition     = var.collector != "fargate" || var.collector_image != ""
    error_message = "fargate needs an image of the producer: set collector_image."
  }
}

variable "collector_image" {
  description = "For collector = \"fargate\": an image built from producer/deploy/Dockerfile for the stage's architecture, in this account's ECR or public."
  type        = string
  default     = ""
}

variable "collector_subnets" {
  description = "Public subnets for collector = \"fargate\"; empty for those of the default VPC."
  type        = list(string)
  default     = []
}

variable "collector_secret" {
  description = "ARN of a secret of Secrets Manager, named ticktape-..., with the keys of COLLECTOR_SOURCE = \"alpaca\" as JSON: APCA_API_KEY_ID and APCA_API_SECRET_KEY. Only for collector = \"fargate\"."
  type        = string
  default     = ""

  validation {
    condition     = var.collector_secret == "" || can(regex("^arn:[^:]+:secretsmanager:[^:]+:[0-9]{12}:secret:ticktape-", var.collector_secret))
    error_message = "collector_secret is the ARN of a secret whose name begins with ticktape-."
  }

  validation {
    condition     = (lookup(var.settings, "COLLECTOR_SOURCE", "") == "alpaca") == (var.collector_secret != "")
    error_message = "COLLECTOR_SOURCE = \"alpaca\" needs its keys in collector_secret; other sources have none."
  }
}

variable "push" {
  description = "Whether AppSync Events pushes new prices to open pages. If not, pages poll, and no resources for it are created."
  type        = bool
  default     = false
}

variable "cors_origin" {
  description = "Origin whose pages may call the API; empty for the page that is deployed here, if there is one."
  type        = string
  default     = ""
}

variable "api_rate" {
  description = "Requests per second that the API accepts, with a burst; others are answered with 429."
  type = object({
    per_second = optional(number, 50)
    burst      = optional(number, 100)
  })
  default = {}
}

variable "api_concurrency" {
  description = "Executions reserved for the API's function, which are also its limit, so that requests do not starve ingest and detect. `make deploy` reserves them if the account allows it, and reports if not. null for no limit."
  type        = number
  default     = 50

  validation {
    condition     = var.api_concurrency == null || try(var.api_concurrency >= 1 && floor(var.api_concurrency) == var.api_concurrency, false)
    error_message = "Allowed: a whole number of 1 or more, or null."
  }
}

variable "own_key" {
  description = "Encrypt with the stage's own key (1 USD a month) instead of AWS's."
  type        = bool
  default     = true
}

variable "alarms" {
  description = "essential: the ten that are free; all: also errors and throttles of every function, the API's errors, quarantine and more."
  type        = string
  default     = "all"

  validation {
    condition     = contains(["essential", "all"], var.alarms)
    error_message = "Allowed: essential, all."
  }
}

variable "dashboard" {
  description = "Whether there is a CloudWatch dashboard (an account's first three are free, then 3 USD a month)."
  type        = bool
  default     = true
}

variable "market_hours" {
  description = "When ticks are expected, for the alarm on silence: hours in UTC, [from, until), and days, 1 for Monday to 7. The default lies within New York's session in summer and winter."
  type = object({
    from      = optional(number, 15)
    until     = optional(number, 20)
    first_day = optional(number, 1)
    last_day  = optional(number, 5)
  })
  default = {}
}

variable "alert_subscriptions" {
  description = "Subscribers of price alerts: protocol (email, sms, https, sqs, lambda), endpoint, and a filter on message attributes."
  type = list(object({
    protocol      = string
    endpoint      = string
    filter_policy = optional(map(list(string)))
  }))
  default = []
}

variable "operations_emails" {
  description = "Email addresses for alarms."
  type        = list(string)
  default     = []
}

variable "retention_days" {
  description = "Days that logs, raw records, query results and access logs are kept. raw_cold: days after which raw objects of 128 KB and more move to cheaper storage, if they are kept longer."
  type = object({
    logs           = optional(number, 365)
    raw            = optional(number, 365)
    raw_cold       = optional(number, 90)
    parquet        = optional(number, 3650)
    quarantine     = optional(number, 90)
    results        = optional(number, 7)
    failures       = optional(number, 90)
    access_logs    = optional(number, 90)
    older_versions = optional(number, 30)
  })
  default = {}

  validation {
    condition     = var.retention_days.raw >= 45
    error_message = "raw must be at least 45 days: compaction needs the raw records of the last 30."
  }

  validation {
    condition     = var.retention_days.raw_cold >= 30
    error_message = "raw_cold must be at least 30 days, as S3 requires."
  }
}

variable "athena_scan_limit_bytes" {
  description = "The most bytes that a query may scan; 10 GB cost 5 US cents."
  type        = number
  default     = 10737418240
}

variable "deletion_protection" {
  description = "Whether tables are protected from deletion. `make destroy DATA=delete` removes the protection."
  type        = bool
  default     = true
}

variable "permissions_boundary" {
  description = "The ARN of the permissions boundary of all roles: infra/boundary-policy.json, named ticktape-boundary. The deployer's policies require it."
  type        = string
  default     = null
}

variable "producer_principals" {
  description = "ARNs that may assume the producer's role; empty for the principals that the account allows."
  type        = list(string)
  default     = []
}

variable "s3_use_path_style" {
  description = "Whether S3's buckets are addressed by path; only for an emulator behind AWS_ENDPOINT_URL."
  type        = bool
  default     = false
}
