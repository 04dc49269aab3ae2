# collector = "fargate": the producer's container, which keeps a connection for pushed prices.
# One task, in public subnets with an address of its own (a NAT gateway would cost several times as much),
# that accepts no connections.

locals {
  task_count = var.collector == "fargate" ? 1 : 0

  # An ECR image needs a permission on its repository; any other has to be public.
  image_repository = try(regex("^([0-9]{12})\\.dkr\\.ecr\\.([a-z0-9-]+)\\.amazonaws\\.com/([^:@]+)", var.collector_image), null)

  # The COLLECTOR_ settings of docs/settings.md as flags of `python -m producer stream`.
  task_flags = {
    COLLECTOR_SYMBOLS          = "--symbols"
    COLLECTOR_INTERVAL         = "--interval"
    COLLECTOR_TICKS_PER_RECORD = "--ticks-per-record"
    COLLECTOR_FLUSH_SECONDS    = "--flush-seconds"
  }
  # The function always follows the tracked symbols besides its own; `stream` needs a flag.
  task_settings = merge(local.collector_settings, {
    for name, value in local.collector_settings : name => "${value},tracked" if name == "COLLECTOR_SYMBOLS" && value != "tracked"
  })
  task_command = concat(
    ["stream", "--source", lookup(local.collector_settings, "COLLECTOR_SOURCE", "yfinance-live")],
    ["--sink", local.takes_kinesis ? "kinesis" : "sqs", "--drain", "20"],
    [for name, flag in local.task_flags : "${flag}=${local.task_settings[name]}" if contains(keys(local.task_settings), name)],
  )

  # ECS reads these keys when the task starts, so neither the task definition nor Terraform's state has them.
  task_keys = var.collector_secret != "" ? ["APCA_API_KEY_ID", "APCA_API_SECRET_KEY"] : []

  task_folder = "/var/lib/ticktape"
  task_environment = merge(local.collector_sink, {
    SYMBOLS_TABLE      = aws_dynamodb_table.data["symbols"].name
    AWS_DEFAULT_REGION = var.region
    AWS_REGION         = var.region
    HOME               = local.task_folder
    TMPDIR             = local.task_folder
    XDG_CACHE_HOME     = "${local.task_folder}/cache"
  })
}

data "aws_vpc" "default" {
  count = local.task_count > 0 && length(var.collector_subnets) == 0 ? 1 : 0

  default = true
}

data "aws_subnets" "default" {
  count = length(data.aws_vpc.default)

  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.default[0].id]
  }

  filter {
    name   = "map-public-ip-on-launch"
    values = ["true"]
  }
}

data "aws_subnet" "given" {
  count = local.task_count > 0 && length(var.collector_subnets) > 0 ? 1 : 0

  id = var.collector_subnets[0]
}

# No inbound traffic; outbound HTTPS and WebSockets over TLS, to the source and AWS.
resource "aws_security_group" "collector" {
  count = local.task_count

  name        = local.collector.name
  description = "The collector of ${local.prefix}: no way in, TLS out."
  vpc_id      = length(data.aws_vpc.default) > 0 ? data.aws_vpc.default[0].id : data.aws_subnet.given[0].vpc_id

  egress {
    description = "TLS"
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_ecs_cluster" "collector" {
  #checkov:skip=CKV_AWS_65:Its metrics cost money; an alarm reports a task that does not run, and /health shows the producer's status
  count = local.task_count

  name = local.prefix
}

data "aws_iam_policy_document" "collector_execution" {
  count = local.task_count

  statement {
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.collector[0].arn}:*"]
  }

  dynamic "statement" {
    for_each = var.collector_secret != "" ? [var.collector_secret] : []

    content {
      actions   = ["secretsmanager:GetSecretValue"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = local.image_repository != null ? [local.image_repository] : []

    content {
      actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      resources = ["arn:${local.partition}:ecr:${statement.value[1]}:${statement.value[0]}:repository/${statement.value[2]}"]
    }
  }

  # This action does not support resources.
  dynamic "statement" {
    for_each = local.image_repository != null ? [1] : []

    content {
      actions   = ["ecr:GetAuthorizationToken"]
      resources = ["*"]
    }
  }
}

# For ECS itself: pull the image, read the source's keys, write the log.
resource "aws_iam_role" "collector_execution" {
  count = local.task_count

  name                 = "${local.collector.name}-execution"
  description          = "Starts the collector of ${local.prefix}."
  assume_role_policy   = data.aws_iam_policy_document.assumed_by_collector.json
  permissions_boundary = var.permissions_boundary
}

resource "aws_iam_role_policy" "collector_execution" {
  count = local.task_count

  name   = "own"
  role   = aws_iam_role.collector_execution[0].id
  policy = data.aws_iam_policy_document.collector_execution[0].json
}

resource "aws_ecs_task_definition" "collector" {
  count = local.task_count

  family                   = local.collector.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 256
  memory                   = 512
  task_role_arn            = aws_iam_role.collector[0].arn
  execution_role_arn       = aws_iam_role.collector_execution[0].arn

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = upper(var.architecture)
  }

  # The only writable folder, for yfinance's caches. The image makes the producer its owner.
  volume {
    name = "state"
  }

  container_definitions = jsonencode([{
    name                   = "producer"
    image                  = var.collector_image
    essential              = true
    command                = local.task_command
    environment            = [for name, value in local.task_environment : { name = name, value = value }]
    secrets                = [for name in local.task_keys : { name = name, valueFrom = "${var.collector_secret}:${name}::" }]
    readonlyRootFilesystem = true
    linuxParameters        = { initProcessEnabled = true }
    mountPoints            = [{ sourceVolume = "state", containerPath = local.task_folder, readOnly = false }]
    stopTimeout            = 30
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.collector[0].name
        awslogs-region        = var.region
        awslogs-stream-prefix = "producer"
      }
    }
  }])
}

# The old task ends before the new one starts, so that two never send at once.
resource "aws_ecs_service" "collector" {
  #checkov:skip=CKV_AWS_333:A public address is the way out without a NAT gateway; the security group lets nothing in
  count = local.task_count

  name                               = local.collector.name
  cluster                            = aws_ecs_cluster.collector[0].id
  task_definition                    = aws_ecs_task_definition.collector[0].arn
  desired_count                      = 1
  launch_type                        = "FARGATE"
  platform_version                   = "LATEST"
  deployment_minimum_healthy_percent = 0
  deployment_maximum_percent         = 100
  propagate_tags                     = "SERVICE"

  network_configuration {
    subnets          = length(var.collector_subnets) > 0 ? var.collector_subnets : data.aws_subnets.default[0].ids
    security_groups  = [aws_security_group.collector[0].id]
    assign_public_ip = true
  }

  depends_on = [aws_iam_role_policy.collector, aws_iam_role_policy.collector_execution]
}
