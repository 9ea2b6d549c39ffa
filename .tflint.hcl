# All rules of the built-in ruleset: those that terraform-aws-modules requires of each module, and a few others.
# `scripts/testing/tflint.ts` runs tflint, as a part of `npm run test:full`.

plugin "terraform" {
  enabled = true
  preset  = "all"
}
