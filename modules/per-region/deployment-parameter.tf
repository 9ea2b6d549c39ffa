# Says where the deployment is described: in the home region, by the parameter of the same name.
resource "aws_ssm_parameter" "deployment" {
  # checkov:skip=CKV2_AWS_34: names, nothing secret
  count = local.region == var.link.home_region ? 0 : 1

  name           = "/${local.name}/deployment"
  description    = "In which region ${local.name} is at home: for the command line cspm-remediation."
  type           = "String"
  tier           = "Standard"
  insecure_value = jsonencode({ version = 1, home_region = var.link.home_region })
  tags           = var.link.tags
}
