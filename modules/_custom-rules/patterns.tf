# The syntax of `resource_id_pattern`: what RE2, with which Terraform checks patterns, and JavaScript, whose syntax the functions
# use, share. lambdas/model/whole-pattern.ts has the same parts, and matches in linear time.

locals {
  pattern_escaped = "\\\\[^A-Za-z0-9]|\\\\[fnrtv]|\\\\x[0-9A-Fa-f]{2}"
  pattern_set     = "\\\\[dDsSwW]|\\\\[pP]\\{[A-Z][a-z]?\\}"
  pattern_single  = "[^\\\\\\[\\]]|${local.pattern_escaped}"
  # A dash after a set would begin a range.
  pattern_after_set = "(?:(?:${local.pattern_set})+(?:[^\\\\\\[\\]-]|${local.pattern_escaped})(?:${local.pattern_single})*)"
  pattern_class = format("\\[\\^?(?:(?:(?:[^\\\\\\[\\]^]|%s)(?:%s)*%s*|%s+)(?:(?:%s)+-?)?|(?:%s)+-?)\\]",
    local.pattern_escaped, local.pattern_single, local.pattern_after_set, local.pattern_after_set, local.pattern_set, local.pattern_set,
  )
  pattern_character  = "[^\\\\\\[\\](){}*+?.^$|]|\\.|${local.pattern_escaped}|${local.pattern_set}|${local.pattern_class}"
  pattern_quantifier = "(?:[*+?]|\\{[0-9]{1,4}(?:,[0-9]{0,4})?\\})\\??"
  # A count after a group multiplies the size of the compiled pattern, so it has one digit.
  pattern_group_end = "\\)(?:(?:[*+?]|\\{[0-9](?:,[0-9]?)?\\})\\??)?"
  shared_syntax     = "[\\^$|]|\\\\[bB]|\\((?:\\?:)?|(?:${local.pattern_character})(?:${local.pattern_quantifier})?|${local.pattern_group_end}"

  pattern_mistakes = { for id, rule in local.declared : id => rule.resource_id_pattern == null ? [] : [
    for problem in(
      !can(regexall(rule.resource_id_pattern, "")) ? ["expected a regular expression"] :
      length(rule.resource_id_pattern) > 256 ? ["expected at most 256 characters"] :
      length(regexall("\\)\\{", replace(rule.resource_id_pattern, "\\\\", ""))) > 2 ? ["expected at most two groups with a count, such as (?:…){2}"] :
      can(regex("^(?:${local.shared_syntax})*$", rule.resource_id_pattern)) ? [] :
      [for known in regexall("^(?:${local.shared_syntax})*", rule.resource_id_pattern) : "expected a regular expression in the syntax that RE2 and JavaScript share, not \"${substr(rule.resource_id_pattern, max(length(known) - 1, 0), 12)}\""]
    ) : ".resource_id_pattern is \"${rule.resource_id_pattern}\": ${problem}"
  ] }
}
