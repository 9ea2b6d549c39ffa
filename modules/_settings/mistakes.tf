# Collects all mistakes in `rules` and the account inputs. The validation of a variable would report only one at a time.

locals {
  groups = keys(var.account_groups)

  # Used in messages when a list is empty. checkov cannot parse a text in brackets within a message.
  group_names = concat(
    coalescelist(slice(local.groups, 0, min(5, length(local.groups))), ["which is empty"]),
    [for more in [length(local.groups) - 5] : "and ${more} more" if more > 0],
  )
  nothing = ["nothing"]

  # Options that only other rules have.
  misplaced = flatten([
    for id, rule in local.typed : [
      for option in setsubtract([for option, value in rule.options : option if value != null], keys(local.options_by_key[id])) :
      "rules[\"${id}\"].options has \"${option}\", which is an option of other rules: expected ${join(", ", coalescelist(keys(local.options_by_key[id]), local.nothing))}"
    ]
  ])

  # The options of each rule. An unknown rule accepts any option.
  options_by_key = {
    for id, rule in local.typed : id => contains(keys(local.catalog_by_key), id) ? { for name, _ in local.catalog_by_key[id].options.properties : name => true } : { for name, _ in rule.options : name => true }
  }

  # The pattern of each rule's resource ids. A rule without one accepts any id.
  whole_ids = { for id, rule in local.catalog_by_key : id => try(rule.resource_id_pattern, "^(?:${rule.definition.resource_id_pattern})$", "") }

  # Suggestions for an unknown rule: rules that share a word with it, otherwise the first rules of the catalog.
  similar_rules = {
    for given in setsubtract(keys(local.typed), keys(local.catalog_by_key)) : given => coalescelist(
      [for id in keys(local.catalog) : id if length(setintersection(split("-", id), split("-", given))) > 0], keys(local.catalog)
    )
  }

  # The valid values of each option, in words.
  option_forms = {
    for option, schema in merge([for rule in values(local.catalog) : rule.options.properties]...) : option => lookup(local.option_words, option, join(", ", concat(
      [for type in [lookup(schema, "type", "")] : type == "integer" ? "a whole number" : "a value" if !can(schema.enum)],
      [for limit in ["minimum", "maximum"] : "${limit == "minimum" ? "at least" : "at most"} ${schema[limit]}" if can(schema[limit])],
      try([for value in schema.enum : tostring(value)], []),
    )))
  }

  rule_mistakes = flatten([
    for id, rule in local.typed : [for problem in concat(
      contains(keys(local.catalog_by_key), id) ? [] : [
        format(" is unknown: expected an id or legacy id of docs/rules.md, such as %s", join(", ", slice(local.similar_rules[id], 0, min(4, length(local.similar_rules[id])))))
      ],
      contains(local.modes, rule.mode) ? [] : [".mode is \"${rule.mode}\": expected ${join(", ", local.modes)}"],
      [for name, mode in merge(rule.mode_by_account, rule.mode_by_group) : ".mode_by_account or mode_by_group has \"${name}\" = \"${mode}\": expected ${join(", ", local.modes)}" if !contains(local.modes, mode)],
      [
        for account in setunion(keys(rule.mode_by_account), rule.accounts, rule.excluded_accounts) :
        " names the account \"${account}\": expected an account id of twelve digits, in quotes" if !can(regex(local.account_pattern, account))
      ],
      [
        for group in setunion(keys(rule.mode_by_group), rule.excluded_groups, [for exemption in rule.exemptions : exemption.group if exemption.group != null]) :
        " names the group \"${group}\": expected one of account_groups, ${join(", ", local.group_names)}" if !contains(local.groups, group)
      ],
      contains(["api", "runbook"], rule.method) ? [] : [".method is \"${rule.method}\": expected api or runbook"],
      contains(["api", "report"], rule.runbook_then) ? [] : [".runbook_then is \"${rule.runbook_then}\": expected api or report"],
      rule.method != "runbook" || try(contains(local.catalog_by_key[id].runbook.partitions, var.partition), false) ? [] : [
        ".method is \"runbook\": expected api; in partition ${var.partition} AWS has runbooks for ${join(", ", [for of, known in local.catalog : of if try(contains(known.runbook.partitions, var.partition), false)])}"
      ],
      rule.schedule_expression == null ? [] : can(regex(local.rate_pattern, rule.schedule_expression)) || can(regex(local.cron_pattern, rule.schedule_expression)) ? [] : [
        ".schedule_expression is \"${rule.schedule_expression}\": expected rate(1 hour), rate(30 minutes) or the six fields of cron(0 6 * * ? *), with \"?\" for either day-of-month or day-of-week"
      ],
      rule.maintenance_window == null ? [] : can(regex(local.maintenance_window_pattern, jsonencode(rule.maintenance_window))) ? [] : [
        ".maintenance_window ${local.window_problem[id]}"
      ],
      [
        for at, number in merge({ for word, number in rule.limits : "limits.${word}" => number }, { for word, number in rule.breaker : "breaker.${word}" => number }) :
        ".${at} is ${number}: expected a whole number, 1 to ${at == "breaker.failed_percent" ? 100 : local.most}"
        if number == null ? false : number < 1 || floor(number) != number || number > (at == "breaker.failed_percent" ? 100 : local.most)
      ],
      [for name in rule.netskope_rule_names : ".netskope_rule_names contains an empty name: expected names as Netskope shows them" if trimspace(name) == ""],
      [for name in rule.netskope_rule_names : ".netskope_rule_names contains \"${substr(name, 0, 40)}…\", a name of ${length(name)} characters: expected at most 1024" if length(name) > 1024],
      flatten([
        for index, exemption in rule.exemptions : [for problem in concat(
          [for word in ["reason", "owner"] : "has no ${word}: expected a reason that is clear without context, and a responsible owner" if trimspace(exemption[word]) == ""],
          can(regex("^\\d{4}-\\d{2}-\\d{2}$", exemption.expires)) && can(formatdate("YYYY", "${exemption.expires}T00:00:00Z")) ? [] : ["has expires \"${exemption.expires}\": expected the last day of the exemption, such as 2027-01-31, in quotes"],
          exemption.account == "*" || can(regex(local.account_pattern, exemption.account)) ? [] : ["has the account \"${exemption.account}\": expected an account id of twelve digits, in quotes, or *"],
          exemption.account == "*" || exemption.group == null ? [] : ["has an account and a group: expected one of the two"],
          can(regex(local.exempt_region_pattern, exemption.region)) ? [] : ["has the region \"${exemption.region}\": expected a region's code, global or *"],
          exemption.resource != "" ? [] : ["has an empty resource: expected a resource's id or a pattern such as sg-0123*"],
          # No finding would match these, and the resource would be remediated.
          strcontains(exemption.resource, ":") && !strcontains(try(local.catalog_by_key[id].resource_id_pattern, ":"), ":") ? ["names an ARN: expected the resource's id, as Netskope shows it, or a pattern with *"] :
          can(regex("\\s", exemption.resource)) ? ["contains white space: expected the resource's id, as Netskope shows it, or a pattern with *"] :
          strcontains(exemption.resource, "*") || exemption.resource == "" || try(length(regexall(local.whole_ids[id], exemption.resource)) > 0, true) ? [] : [
            "names no resource of this rule: expected a resource's id, as Netskope shows it, or a pattern with *"
          ],
          [
            for scope in [try(local.catalog_by_key[id].scope, "")] :
            scope == "global" ? "has the region \"${exemption.region}\": expected global or *, because findings of this rule have no region" : "has the region \"global\": expected a region's code or *, because findings of this rule have a region"
            if scope == "global" && !can(regex("^${replace(exemption.region, "*", ".*")}$", "global")) || scope == "regional" && exemption.region == "global"
          ],
        ) : ".exemptions[${index}] (${exemption.resource}) ${problem}"]
      ]),
      flatten([
        for option, value in rule.options : value == null || !can(local.catalog_by_key[id].options.properties[option]) ? [] : [
          for expected in [local.catalog_by_key[id].options.properties[option]] :
          ".options.${option} is ${jsonencode(value)}: expected ${local.option_forms[option]}"
          if !alltrue([
            try(value >= expected.minimum, true),
            try(value <= expected.maximum, true),
            try(expected.type != "integer" || floor(value) == value, true),
            try(contains(expected.enum, value), true),
            try(length(value) <= expected.maxLength, true),
            try(length(regexall(expected.pattern, value)) > 0, true),
            try(anytrue([for form in expected.anyOf : try(form.const == value, false) || try(length(regexall(form.pattern, value)) > 0, false)]), true),
          ])
        ]
      ]),
      # Conditions that the catalog's schema cannot express.
      [
        for cidr in coalesce(rule.options.replacement_cidrs, []) :
        ".options.replacement_cidrs has ${jsonencode(cidr)}: expected vpc, or a CIDR narrower than everything, such as 10.0.0.0/8 or 2001:db8::/32"
        if !(cidr == "vpc" || can(cidrhost(cidr, 0)) && !can(regex(local.no_cidr_pattern, cidr)))
      ],
      [
        for name in [rule.options.log_group_name] : ".options.log_group_name is ${jsonencode(name)}: expected {vpc_id}, and no other braces, so that each VPC has its own log group, and at most 512 characters with a VPC's id"
        if name == null ? false : !strcontains(name, "{vpc_id}") || can(regex("[{}]", replace(name, "{vpc_id}", ""))) || length(replace(name, "{vpc_id}", local.longest_vpc_id)) > 512
      ],
    ) : "rules[\"${id}\"]${problem}"]
  ])

  named_twice = [
    for id, rule in local.catalog : "rules contains \"${id}\" and \"${rule.legacy_id}\", two names of the same rule: expected one of them"
    if id != rule.legacy_id && contains(keys(local.typed), id) && contains(keys(local.typed), rule.legacy_id)
  ]

  account_mistakes = flatten([
    [for name in local.groups : "account_groups has the group \"${name}\": expected lowercase letters, digits, - and _, beginning with a letter" if !can(regex(local.group_pattern, name))],
    [
      for at, accounts in merge({ for name, ids in var.account_groups : "account_groups[\"${name}\"]" => ids }, {
        accounts          = var.accounts
        excluded_accounts = var.excluded_accounts
        mode_by_account   = toset(keys(var.mode_by_account))
      }) : [for account in accounts : "${at} has the account \"${account}\": expected an account id of twelve digits, in quotes" if !can(regex(local.account_pattern, account))]
    ],
    [
      for at, groups in { excluded_groups = var.excluded_groups, mode_by_group = toset(keys(var.mode_by_group)) } :
      [for group in groups : "${at} names the group \"${group}\": expected one of account_groups, ${join(", ", local.group_names)}" if !contains(local.groups, group)]
    ],
    [
      for at, modes in { mode_by_account = var.mode_by_account, mode_by_group = var.mode_by_group, new_accounts = local.new_accounts == null ? {} : { mode = local.new_accounts.mode } } :
      [for name, mode in modes : "${at} has ${name} = \"${mode}\": expected ${join(", ", local.modes)}" if !contains(local.modes, mode)]
    ],
    local.new_accounts == null ? [] : concat(
      local.new_accounts.joined != null ? [] : ["new_accounts has no joined: expected account ids, each with the time at which it joined"],
      local.new_accounts.days >= 1 && local.new_accounts.days <= 3650 && floor(local.new_accounts.days) == local.new_accounts.days ? [] : ["new_accounts.days is ${local.new_accounts.days}: expected a whole number, 1 to 3650"],
      [
        for account, at in local.joined : "new_accounts.joined has \"${account}\" = \"${at}\": expected account ids with times such as 2026-05-04T08:00:00Z"
        if !can(timeadd(at, "0s")) || !can(regex("^[0-9]{4}-", local.new_until[account])) || !can(regex(local.account_pattern, account))
      ],
    ),
  ])

  # By rule; the key "" is the default of all rules.
  window_problem = {
    for of, window in merge({ for id, rule in local.typed : id => rule.maintenance_window }, { "" = local.schedule.maintenance_window }) : of => (
      anytrue([for word in ["start", "end"] : window[word] == ""])
      ? "has no ${join(" and no ", [for word in ["start", "end"] : word if window[word] == ""])}: expected start and end as hours and minutes, such as 22:00 and 04:30"
      : "is ${jsonencode(window)}: expected days among ${join(", ", local.days)}, and start and end as hours and minutes, such as 22:00 and 04:30"
    ) if window != null
  }

  schedule_mistakes = concat(
    contains(local.time_zones, local.schedule.time_zone) ? [] : [
      "schedule.time_zone is \"${local.schedule.time_zone}\": expected a name from the IANA time zone database, such as ${join(" or ", formatlist("\"%s\"", slice(local.similar_time_zones, 0, min(3, length(local.similar_time_zones)))))}"
    ],
    local.schedule.flexible_window_minutes >= 0 && local.schedule.flexible_window_minutes <= 1440 && floor(local.schedule.flexible_window_minutes) == local.schedule.flexible_window_minutes ? [] : [
      "schedule.flexible_window_minutes is ${local.schedule.flexible_window_minutes}: expected a whole number, 0 to 1440"
    ],
    can(regex(local.rate_pattern, local.schedule.expression)) || can(regex(local.cron_pattern, local.schedule.expression)) ? [] : [
      "schedule.expression is \"${local.schedule.expression}\": expected rate(1 hour), rate(30 minutes) or the six fields of cron(0 6 * * ? *), with \"?\" for either day-of-month or day-of-week"
    ],
    local.schedule.maintenance_window == null ? [] : can(regex(local.maintenance_window_pattern, jsonencode(local.schedule.maintenance_window))) ? [] : [
      "schedule.maintenance_window ${local.window_problem[""]}"
    ],
  )

  time_zones = jsondecode(file("${path.module}/time-zones.json")).names

  # Used in the message about an unknown time zone: those that begin like it.
  similar_time_zones = coalescelist([for name in local.time_zones : name if startswith(lower(name), lower(substr("${local.schedule.time_zone}-", 0, 10)))], ["Europe/Berlin", "UTC"])

  # Reported here, so that the root module does not pass an invalid path to `target`, which would report it again.
  path_mistakes = [
    for word in ["path", "target_role_path"] : "iam.${word} is \"${module.typed.iam[word]}\": expected \"/\", or a path of at most 512 characters that begins and ends with \"/\", such as \"/security/\""
    if !can(regex("^/([\\w+=,.@-]+/)*$", module.typed.iam[word])) || length(module.typed.iam[word]) > 512
  ]

  # Values can have any length. Long messages keep their beginning (the mistake) and their end (what is expected).
  mistakes = [
    for mistake in local.whole_mistakes : length(mistake) <= 300 ? mistake : "${substr(mistake, 0, 105)} … ${substr(mistake, -190, -1)}"
  ]
  whole_mistakes = concat(
    module.inputs.structure, module.inputs.kinds, module.custom_rules.structure, module.custom_rules.mistakes,
    [
      for mistake in concat(local.misplaced, local.rule_mistakes, local.named_twice, local.account_mistakes, local.schedule_mistakes, local.encryption_mistakes, local.path_mistakes) :
      mistake if !strcontains(mistake, module.inputs.in_place)
    ],
  )
}
