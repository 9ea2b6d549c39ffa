# All rules of the ruleset that tflint carries: those that terraform-aws-modules ask of each module, and the few others.
# `scripts/testing/tflint.ts` runs it, as a part of `npm run test:full`.

plugin "terraform" {
  enabled = true
  preset  = "all"
}
