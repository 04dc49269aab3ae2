# For about 5,000 symbols a second. Five shards (55 USD a month) accept 5,000 records a second; with
# several ticks per record (`--ticks-per-record`) fewer suffice. For a varying load use on demand:
# kinesis = { mode = "on_demand" }.
region  = "us-east-1"
kinesis = { mode = "provisioned", shards = 5, retention_hours = 48 }

# reserved_concurrency = 20, next to memory_mb, reserves 20 executions for a function, so that it can neither
# be starved by the others nor starve them. 100 executions must stay unreserved; a new account has 10 in all.
functions = {
  ingest_kinesis = { memory_mb = 1024 }
  detect         = { memory_mb = 1024 }
  api_handler    = { memory_mb = 1024 }
  compact        = { memory_mb = 1769 } # a whole processor: it merges each hour's raw objects
}

# Yahoo gives two quotes a second, so 5,000 symbols a second need a feed of your own (docs/producer.md): set
# "none" once it sends. Until then the function follows the tracked symbols.
collector = "lambda"

# Each write of state covers ten seconds of ticks. Alerts are delayed accordingly.
settings = { DETECT_WINDOW_SECONDS = "10" }

api_rate       = { per_second = 200, burst = 400 }
retention_days = { logs = 90, raw = 730, raw_cold = 30 }

# A day of 400 million ticks is 7 GB of raw objects; compact reads two days in a statement.
athena_scan_limit_bytes = 53687091200

# operations_emails   = ["you@example.com"]
# alert_subscriptions = [{ protocol = "email", endpoint = "you@example.com" }]
