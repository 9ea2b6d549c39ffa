# Account, region and credentials come from the environment, as everywhere with the AWS provider.
provider "aws" {}
