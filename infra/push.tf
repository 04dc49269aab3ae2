# The event API that pushes prices to open pages. This version of the AWS provider has no resource
# for it; CloudFormation has.

locals {
  push_namespace = "ticktape"

  push_api = {
    Type = "AWS::AppSync::Api"
    Properties = {
      Name = "${local.prefix}-push"
      EventConfig = {
        AuthProviders             = [{ AuthType = "AWS_IAM" }, { AuthType = "API_KEY" }]
        ConnectionAuthModes       = [{ AuthType = "API_KEY" }]
        DefaultPublishAuthModes   = [{ AuthType = "AWS_IAM" }]
        DefaultSubscribeAuthModes = [{ AuthType = "API_KEY" }]
      }
    }
  }
}

resource "aws_cloudformation_stack" "push" {
  #checkov:skip=CKV_AWS_124:Terraform waits for the stack and reports its failure
  count = var.push ? 1 : 0

  name = "${local.prefix}-push"

  template_body = jsonencode({
    Resources = {
      Api = local.push_api
      Namespace = {
        Type       = "AWS::AppSync::ChannelNamespace"
        Properties = { ApiId = { "Fn::GetAtt" = "Api.ApiId" }, Name = local.push_namespace }
      }
    }
    Outputs = {
      ApiId  = { Value = { "Fn::GetAtt" = "Api.ApiId" } }
      Http   = { Value = { "Fn::GetAtt" = "Api.Dns.Http" } }
      Socket = { Value = { "Fn::GetAtt" = "Api.Dns.Realtime" } }
    }
  })
}

# The key only allows subscribing: publishing needs the role of `push`. A key lasts at most a year, so
# the first deployment in each month extends it.
resource "aws_appsync_api_key" "push" {
  count = var.push ? 1 : 0

  api_id      = aws_cloudformation_stack.push[0].outputs["ApiId"]
  description = "Pages subscribe with it."
  expires     = formatdate("YYYY-MM-01'T'00:00:00Z", timeadd(plantimestamp(), "8016h"))
}
