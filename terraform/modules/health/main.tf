# The health check: a function with a public URL, which holds a visit of its own through the public
# entrance.

data "aws_region" "current" {}

locals {
  function_name = "${var.name}-health"

  # Only what the program reads. It fetches secrets by their ARNs when it starts.
  environment = merge(
    {
      VISIO_TABLE          = var.table_name
      VISIO_WEBSOCKET_URL  = var.websocket_url
      VISIO_REGION         = data.aws_region.current.id
      VISIO_SERVICE_NAME   = var.function.service_name
      VISIO_ALLOWED_ORIGIN = join(",", var.allowed_origins)
    },
    var.health_secret_arn == null ? {} : { VISIO_HEALTH_SECRET_ARN = var.health_secret_arn },
    module.ice.environment,
  )

  secret_arns = concat(compact([var.health_secret_arn]), module.ice.secret_arns)
}

################################################################################
# Function
################################################################################

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
  # checkov:skip=CKV_AWS_50: it is one function and one call; monitoring.xray_tracing turns it on
  # checkov:skip=CKV_AWS_116: it is invoked synchronously, and there is nothing to keep for later
  # checkov:skip=CKV_AWS_117: it connects through the public entrance, which is its purpose
  # checkov:skip=CKV_AWS_173: there is no secret in the environment, only the ARNs of secrets
  # checkov:skip=CKV_AWS_272: the person who applies also builds the package, so their signature would prove nothing more
  function_name = local.function_name
  description   = "Health check: GET /health, /status, /livez, /readyz"
  role          = aws_iam_role.this.arn

  filename         = var.package
  source_code_hash = module.package.hash
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = [var.architecture]

  memory_size                    = var.function.memory_size
  timeout                        = var.function.timeout
  reserved_concurrent_executions = coalesce(var.function.reserved_concurrency, -1) # -1 reserves none

  environment {
    variables = local.environment
  }

  logging_config {
    log_group             = aws_cloudwatch_log_group.this.name
    log_format            = "JSON"
    application_log_level = "INFO"
    # Without START, END and REPORT of every poll.
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

  depends_on = [aws_iam_role_policy.this]
}

resource "aws_cloudwatch_log_group" "this" {
  # checkov:skip=CKV_AWS_338: kept for as long as it helps to find a fault, not for a year
  name              = "/aws/lambda/${local.function_name}"
  retention_in_days = var.logs.retention_days
  kms_key_id        = var.kms_key_arn

  tags = var.tags
}

################################################################################
# Public URL
################################################################################

# No cors block: the function answers preflights itself, and browsers would refuse two answers.
resource "aws_lambda_function_url" "this" {
  # checkov:skip=CKV_AWS_258: public on purpose: navigation bars of pages poll it before anybody has signed in
  function_name      = aws_lambda_function.this.function_name
  authorization_type = "NONE"
}

# Since October 2025 a public URL needs two permissions. This is the first.
resource "aws_lambda_permission" "url" {
  # checkov:skip=CKV_AWS_301: public on purpose, by its URL
  statement_id           = "PublicUrl"
  function_name          = aws_lambda_function.this.function_name
  action                 = "lambda:InvokeFunctionUrl"
  principal              = "*"
  function_url_auth_type = "NONE"
}

# The second. It has to be limited to calls through the URL; otherwise anybody could invoke the
# function without going through its URL. aws_lambda_permission has no argument for that before
# version 6.28 of the provider, but CloudFormation does.
#
# The stack is always there. From 6.28 on the provider adds the same permission by itself, but only
# to a URL that it creates, outside the state. An older URL would have none, and nobody would
# notice. Having it twice does no harm.
resource "aws_cloudformation_stack" "url" {
  # checkov:skip=CKV_AWS_124: the stack holds one permission; nobody needs a notification about it
  name = "${local.function_name}-url"

  template_body = jsonencode({
    AWSTemplateFormatVersion = "2010-09-09"
    Description              = "Lets the public URL of ${local.function_name} invoke the function, and nothing else do so"
    Resources = {
      Permission = {
        Type = "AWS::Lambda::Permission"
        Properties = {
          FunctionName          = aws_lambda_function.this.arn
          Action                = "lambda:InvokeFunction"
          Principal             = "*"
          InvokedViaFunctionUrl = true
        }
      }
    }
  })

  tags = var.tags
}

# It once had a count, when a setting could leave it out.
moved {
  from = aws_cloudformation_stack.url[0]
  to   = aws_cloudformation_stack.url
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

resource "aws_iam_role_policy" "this" {
  name = local.function_name
  role = aws_iam_role.this.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          # The item that it reads, which nobody writes. It can read no visit.
          Sid      = "Table"
          Effect   = "Allow"
          Action   = ["dynamodb:GetItem"]
          Resource = [var.table_arn]
          Condition = {
            "ForAllValues:StringEquals" = { "dynamodb:LeadingKeys" = ["health-check"] }
          }
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
  })
}
