# Names the home region, which describes the deployment. It is in the home region, too: whether a region is the home region
# may be known only after an apply, and the number of resources may not depend on that.
resource "aws_ssm_parameter" "home_region" {
  # checkov:skip=CKV2_AWS_34: the name of a region, nothing secret
  name           = "/${local.name}/home-region"
  description    = "The home region of ${local.name}, for the command line cspm-remediation."
  type           = "String"
  tier           = "Standard"
  insecure_value = var.link.home_region
  tags           = var.link.tags
}
