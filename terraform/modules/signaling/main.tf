# Signaling: the WebSocket API, the function behind it and the table that stores the rooms.

module "api" {
  source = "../websocket-api"

  name        = var.name
  description = var.description
  stage_name  = var.stage_name

  functions = {
    signaling = {
      function_name = aws_lambda_function.this.function_name
      invoke_arn    = local.provisioned ? aws_lambda_alias.provisioned[0].invoke_arn : aws_lambda_function.this.invoke_arn
      qualifier     = local.provisioned ? aws_lambda_alias.provisioned[0].name : null
      routes        = ["$connect", "$disconnect", "$default"]
    }
  }

  throttling      = var.throttling
  require_api_key = var.require_api_key
  domain          = var.domain
  logs            = var.logs
  monitoring      = var.monitoring
  alarms          = var.alarms
  kms_key_arn     = var.kms_key_arn
  tags            = var.tags
}

data "aws_region" "current" {}

################################################################################
# Function
################################################################################

locals {
  function_name = "${var.name}-signaling"
  provisioned   = var.function.provisioned_concurrency > 0

  tokens = {
    public_key = try(var.tokens.public_key, null)
    jwks       = try(var.tokens.jwks, null)
    secret_arn = try(var.tokens.secret_arn, null)
    audience   = try(var.tokens.audience, null)
  }

  # Only what the program reads. It refuses a key that is set but empty. It fetches secrets by their
  # ARNs when it starts.
  environment = merge(
    {
      VISIO_TABLE               = aws_dynamodb_table.this.name
      VISIO_MANAGEMENT_ENDPOINT = module.api.management_endpoint
      VISIO_ALLOWED_ORIGIN      = join(",", var.allowed_origins)
      VISIO_MAX_MESSAGE_BYTES   = tostring(var.function.max_message_bytes)
      VISIO_MAX_PEERS_PER_ROOM  = tostring(var.function.max_peers_per_room)
      VISIO_GRACE_SECONDS       = tostring(var.function.grace_seconds)
    },
    { for name, value in {
      VISIO_JWT_PUBLIC_KEY    = local.tokens.public_key
      VISIO_JWKS              = local.tokens.jwks
      VISIO_JWT_SECRET_ARN    = local.tokens.secret_arn
      VISIO_JWT_AUDIENCE      = local.tokens.audience
      VISIO_HEALTH_SECRET_ARN = var.health_secret_arn
    } : name => value if value != null },
    module.ice.environment,
  )
}

module "ice" {
  source = "../ice"

  ice = var.ice
}

module "package" {
  source = "../package"

  path         = var.package
  architecture = var.architecture
}

resource "aws_lambda_function" "this" {
  # checkov:skip=CKV_AWS_50: API Gateway does not trace WebSockets, so there is little to see; monitoring.xray_tracing turns it on
  # checkov:skip=CKV_AWS_116: it is invoked synchronously, and the client is told of a failure; there is nothing to keep for later
  # checkov:skip=CKV_AWS_117: it calls only DynamoDB, API Gateway and Secrets Manager; in a VPC these would need endpoints that cost more than everything else
  # checkov:skip=CKV_AWS_173: there is no secret in the environment, only public keys and the ARNs of secrets
  # checkov:skip=CKV_AWS_272: the person who applies also builds the package, so their signature would prove nothing more
  function_name = local.function_name
  description   = "Signaling: $connect, $disconnect and $default of the WebSocket API"
  role          = aws_iam_role.this.arn

  filename         = var.package
  source_code_hash = module.package.hash
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = [var.architecture]
  publish          = local.provisioned

  memory_size                    = var.function.memory_size
  timeout                        = var.function.timeout
  reserved_concurrent_executions = coalesce(var.function.reserved_concurrency, -1) # -1 reserves none

  environment {
    variables = merge(var.function.environment_variables, local.environment)
  }

  logging_config {
    log_group             = aws_cloudwatch_log_group.this.name
    log_format            = "JSON"
    application_log_level = "INFO"
    # Without START, END and REPORT of every message, which would cost more than the table.
    system_log_level = "WARN"
  }

  tracing_config {
    mode = var.monitoring.xray_tracing ? "Active" : "PassThrough"
  }

  tags = var.tags

  lifecycle {
    precondition {
      condition     = module.package.problem == null
      error_message = coalesce(module.package.problem, "-")
    }

    precondition {
      condition     = local.tokens.secret_arn == null || try(split(":", local.tokens.secret_arn)[3] == data.aws_region.current.id, true)
      error_message = "tokens.secret_arn: expected a secret in ${data.aws_region.current.id}, the function's region, because it looks nowhere else. Secrets Manager can replicate a secret to another region."
    }

    precondition {
      condition     = var.health_secret_arn == null || try(split(":", var.health_secret_arn)[3] == data.aws_region.current.id, true)
      error_message = "health_secret_arn: expected a secret in ${data.aws_region.current.id}, the function's region, because it looks nowhere else. Secrets Manager can replicate a secret to another region."
    }

    precondition {
      condition     = var.ice.turn_secret_arn == null || try(split(":", var.ice.turn_secret_arn)[3] == data.aws_region.current.id, true)
      error_message = "ice.turn_secret_arn: expected a secret in ${data.aws_region.current.id}, the function's region, because it looks nowhere else. Secrets Manager can replicate a secret to another region."
    }

    precondition {
      condition     = var.ice.turn_credential_arn == null || try(split(":", var.ice.turn_credential_arn)[3] == data.aws_region.current.id, true)
      error_message = "ice.turn_credential_arn: expected a secret in ${data.aws_region.current.id}, the function's region, because it looks nowhere else. Secrets Manager can replicate a secret to another region."
    }
  }

  # It writes its first lines with its first invocation.
  depends_on = [aws_iam_role_policy.this]
}

resource "aws_lambda_alias" "provisioned" {
  count = local.provisioned ? 1 : 0

  name             = "provisioned"
  description      = "The version whose environments are kept warm"
  function_name    = aws_lambda_function.this.function_name
  function_version = aws_lambda_function.this.version
}

resource "aws_lambda_provisioned_concurrency_config" "this" {
  count = local.provisioned ? 1 : 0

  function_name                     = aws_lambda_alias.provisioned[0].function_name
  qualifier                         = aws_lambda_alias.provisioned[0].name
  provisioned_concurrent_executions = var.function.provisioned_concurrency
}

resource "aws_cloudwatch_log_group" "this" {
  # checkov:skip=CKV_AWS_338: kept for as long as it helps to find a fault, not for a year
  name              = "/aws/lambda/${local.function_name}"
  retention_in_days = var.logs.retention_days
  kms_key_id        = var.kms_key_arn

  tags = var.tags
}

################################################################################
# Permissions of the function
################################################################################

resource "aws_iam_role" "this" {
  name        = local.function_name
  description = "What the function ${local.function_name} may do"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })

  tags = var.tags
}

locals {
  secret_arns = concat(compact([local.tokens.secret_arn, var.health_secret_arn]), module.ice.secret_arns)

  statements = concat(
    [
      {
        Sid      = "Rooms"
        Effect   = "Allow"
        Action   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"]
        Resource = [aws_dynamodb_table.this.arn]
      },
      {
        Sid      = "Connections"
        Effect   = "Allow"
        Action   = ["execute-api:ManageConnections"]
        Resource = [for verb in ["POST", "GET", "DELETE"] : "${module.api.stage_execution_arn}/${verb}/@connections/*"]
      },
      {
        Sid      = "Log"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["${aws_cloudwatch_log_group.this.arn}:*"]
      },
    ],
    length(local.secret_arns) == 0 ? [] : [{
      Sid      = "Secrets"
      Effect   = "Allow"
      Action   = ["secretsmanager:GetSecretValue"]
      Resource = local.secret_arns
    }],
    var.kms_key_arn == null ? [] : [{
      Sid      = "Key"
      Effect   = "Allow"
      Action   = ["kms:Decrypt"]
      Resource = [var.kms_key_arn]
      Condition = {
        StringEquals = {
          "kms:ViaService" = [
            for service in concat(["dynamodb"], length(local.secret_arns) == 0 ? [] : ["secretsmanager"]) :
            "${service}.${data.aws_region.current.id}.amazonaws.com"
          ]
        }
      }
    }],
    # X-Ray knows no resources.
    !var.monitoring.xray_tracing ? [] : [{
      Sid      = "Traces"
      Effect   = "Allow"
      Action   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
      Resource = ["*"]
    }],
  )
}

resource "aws_iam_role_policy" "this" {
  name = local.function_name
  role = aws_iam_role.this.id

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = local.statements
  })
}
