# One Kinesis shard (11 USD a month, 1,000 records or 1 MB a second), the stage's own key (1 USD a
# month), all alarms (10 US cents a month each beyond ten) and a dashboard.
region  = "us-east-1"
kinesis = { mode = "provisioned", shards = 1 }

# Prices by a function that polls Yahoo while an exchange is open; "none" if a producer runs elsewhere.
collector = "lambda"

# operations_emails   = ["you@example.com"]
# alert_subscriptions = [{ protocol = "email", endpoint = "you@example.com" }]
