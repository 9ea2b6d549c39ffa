# Expired exemptions are harmless: they no longer apply, so a plan warns about them instead of failing.
check "exemptions_count" {
  assert {
    condition = alltrue(flatten([
      for rule in values(local.typed) : [for exemption in rule.exemptions : try(timecmp("${exemption.expires}T23:59:59Z", plantimestamp()) >= 0, true)]
    ]))
    error_message = "${join("; ", flatten([
      for id, rule in local.typed : [
        for exemption in rule.exemptions : "rules[\"${id}\"]: the exemption of ${exemption.resource} ended on ${exemption.expires} (${exemption.owner})"
        if try(timecmp("${exemption.expires}T23:59:59Z", plantimestamp()) < 0, false)
      ]
    ]))}. The resources are remediated again: renew or remove the exemption."
  }
}

# Warns about exemptions for regions that are not deployed: nothing is remediated there.
check "exemptions_name_regions" {
  assert {
    condition = alltrue(flatten([
      for rule in values(local.typed) : [
        for exemption in rule.exemptions : strcontains(exemption.region, "*") || contains(concat(var.regions, ["global", module.inputs.in_place]), exemption.region)
      ]
    ]))
    error_message = "${join("; ", flatten([
      for id, rule in local.typed : [
        for exemption in rule.exemptions : "rules[\"${id}\"]: the exemption of ${exemption.resource} is for ${exemption.region}"
        if !strcontains(exemption.region, "*") && !contains(concat(var.regions, ["global", module.inputs.in_place]), exemption.region)
      ]
    ]))}, where nothing is remediated: expected one of ${join(", ", var.regions)}, \"global\" or \"*\"."
  }
}

# Warns about options that have no effect, for example because Netskope does not report the findings that they would add.
check "options_have_an_effect" {
  assert {
    condition     = length(local.vain_options) == 0
    error_message = "${join("; ", local.vain_options)}. Leave out such options, unless that is what you want."
  }
}

locals {
  vain_options = concat(
    flatten([
      for id, rule in local.rules : [
        for option, value in rule.options :
        "rules[\"${id}\"].options.${option} is ${value}, and Netskope reports from ${local.catalog[id].options.properties[option].reported_from} on: a lower value finds no further resources, but changes more in those that are found"
        if try(value < local.catalog[id].options.properties[option].reported_from, false)
      ]
    ]),
    [
      for id, rule in local.rules : "rules[\"${id}\"].runbook_then is \"report\", and the rule's method is \"api\""
      if rule.method == "api" && rule.runbook_then == "report"
    ],
  )
}
