# Account, region and credentials come from the environment, as always with the AWS provider.
provider "aws" {}
