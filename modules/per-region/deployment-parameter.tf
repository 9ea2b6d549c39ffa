# Names the home region, whose parameter describes the deployment. The home region has this parameter too, because it may be
# unknown before an apply whether a region is the home region, and the number of resources must not depend on that.
resource "aws_ssm_parameter" "home_region" {
  # checkov:skip=CKV2_AWS_34: it contains the name of a region, no secrets
  name           = "/${local.name}/home-region"
  description    = "The home region of ${local.name}, for the command line cspm-remediation."
  type           = "String"
  tier           = "Standard"
  insecure_value = var.link.home_region
  tags           = var.link.tags
}
