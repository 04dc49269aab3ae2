# The cheapest stage: ticks by SQS, AWS's own keys, the ten alarms that are free, no dashboard.
# Only usage is charged: requests, storage, point-in-time recovery by GB; nothing by the hour.
region    = "us-east-1"
kinesis   = { mode = "off" }
sqs       = true
own_key   = false
alarms    = "essential"
dashboard = false
tracing   = false

# Prices by a function that polls Yahoo while an exchange is open, within Lambda's free allowance; "none" if a
# producer runs elsewhere or you send your own ticks.
collector = "lambda"

# page = "none" # only the API, if AWS refuses CloudFront to a new account

retention_days = { logs = 30, raw = 365 }

# operations_emails   = ["you@example.com"]
# alert_subscriptions = [{ protocol = "email", endpoint = "you@example.com" }]
