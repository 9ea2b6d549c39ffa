# Collects all mistakes in `custom_rules`.

locals {
  placeholders      = ["resource", "account", "region", "partition", "dns_suffix", "arn.partition", "arn.service", "arn.region", "arn.account", "arn.resource_type", "arn.resource_id"]
  role_placeholders = concat(local.placeholders, ["automation_role_arn"])
  arn_placeholders  = ["partition", "region", "account"]

  # The documents that remediate and undo.
  documents_of = { for id, _ in local.declared : id => { for word in ["run", "undo"] : word => local.runs[id][word] if can(local.runs[id][word]) } }

  # The texts that can contain placeholders, and the placeholders that each accepts.
  texts = { for id, rule in local.declared : id => concat(
    [for text in [try(rule.desired_state.identifier, null)] : { at = ".desired_state.identifier", text = text, known = local.placeholders } if text != null],
    [for arn in [try(local.runs[id].resource_arn, null)] : { at = ".runbook.resource_arn", text = arn, known = local.placeholders } if arn != null],
    flatten([for word, run in local.documents_of[id] : concat(
      [{ at = word == "run" ? ".runbook.document" : ".runbook.undo.document", text = run.document, known = local.placeholders }],
      [for name, values in run.parameters : [for value in values : { at = "${word == "run" ? ".runbook" : ".runbook.undo"}.parameters.${name}", text = value, known = local.role_placeholders }]],
    )]),
    flatten([for kind, statements in local.statements[id] : [for statement in statements : [for resource in statement.resources : { at = ".permissions.${kind}", text = resource, known = local.arn_placeholders }]]]),
  ) }

  # The pointers of each rule by use, and the pointers of each resource type.
  pointers = { for id, states in local.states : id => flatten([
    for word, values in states : [for pointer, value in values : { word = word, pointer = pointer, json = jsonencode(value) }]
  ]) }
  kinds = { for name, type in local.types : name => merge([for kind, pointers in try(type.pointers, {}) : { for pointer in pointers : pointer => kind }]...) }
  fixed = { for name, type in local.types : name => {
    "it can be set only at creation"                       = type.create_only
    "for some resources, it can be set only at creation"   = type.conditional_create_only
    "only AWS sets it"                                     = type.read_only
    "it cannot be read, so a violation cannot be detected" = type.write_only
  } }

  pointer_mistakes = { for id, pointers in local.pointers : id => flatten([
    for each in pointers : [
      for type in [try(local.types[local.declared[id].desired_state.resource_type], null)] : [
        for problem in concat(
          [for kind in [try(local.kinds[type.type][each.pointer], null)] : "is not a property of ${type.type} (as of ${local.type_date})${length(regexall("^(.*)/[0-9]+(/|$)", each.pointer)) > 0 ? ": a pointer cannot name an item of a list" : ""}" if kind == null],
          [for kind in [try(local.kinds[type.type][each.pointer], null)] : "is a list of key-value pairs, which pointers cannot name: use a runbook" if kind == "pairs" && each.word != "violates"],
          # A value of another kind would never match.
          [
            for kind in [try(local.kinds[type.type][each.pointer], "any")] : "has ${substr(each.json, 0, 60)}: expected ${kind == "boolean" ? "true or false" : kind == "number" ? "a number" : kind == "list" ? "a list" : kind == "object" ? "an object" : "a string"}"
            if each.word != "violates" && !can(regex(lookup({ boolean = "^(true|false)$", number = "^-?[0-9]", string = "^\"", list = "^\\[", object = "^\\{" }, kind, ""), each.json))
          ],
          flatten([for why, paths in local.fixed[type.type] : [
            for path in paths : "cannot be ${each.word == "set" ? "set" : "judged"}: ${why}"
            if(each.word == "set" || each.word != "defaults" && paths == type.write_only) && (each.pointer == path || startswith(each.pointer, "${path}/") || startswith(path, "${each.pointer}/"))
          ]]),
          each.word == "defaults" && !can(local.states[id].set[each.pointer]) ? ["is not in `set`: expected the same pointers"] : [],
        ) : ".desired_state.${each.word} \"${each.pointer}\" ${problem}"
      ] if type != null
    ]
  ]) }

  # ARNs that, without placeholders, consist only of wildcards: they name no service, so they are as broad as "*".
  every_resource = "^(a|ar|arn|arn:[a-z-]*)?[*?:/]*[*?][*?:/]*$"

  statement_mistakes = { for id, kinds in local.statements : id => flatten([
    for kind, statements in kinds : [for index, statement in statements : [for problem in concat(
      length(statement.actions) > 0 && length(statement.resources) > 0 ? [] : ["has no ${length(statement.actions) > 0 ? "resources" : "actions"}: expected { actions = [\"rds:DescribeDBInstances\"], resources = [\"arn:{{partition}}:rds:{{region}}:{{account}}:db:*\"] }"],
      flatten([for action in statement.actions : [for known in [try(local.actions[split(":", action)[0]], null)] : concat(
        known == null ? ["names ${action}, which is not an AWS action: expected one such as rds:ModifyDBInstance"] : contains(concat(known.read, known.write), split(":", action)[1]) ? [] : ["names ${action}, which is not an AWS action: expected the full name of an action of ${known.service}"],
        known != null && kind == "read" && try(contains(known.write, split(":", action)[1]), false) ? ["names ${action}, which changes something: expected it in write"] : [],
        known != null && anytrue([for resource in statement.resources : can(regex(local.every_resource, replace(resource, "/[$]?[{]+[^{}]*[}]+/", "")))]) && try(contains(known.write, split(":", action)[1]) && !contains(known.on_any, split(":", action)[1]), false) && !contains(local.declared[id].permissions.allow, action) ? ["gives ${action} on every resource: name its resources, or the action in permissions.allow"] : [],
      )]]),
    ) : ".permissions.${kind}[${index}] ${problem}"]] if kind != "undo" || local.declared[id].permissions.undo != null
  ]) }

  # The sizes of the session policies of an enforcement and of an undo, as sent to STS, with the longest partition and region.
  session_statements = { for id, rule in local.own : id => {
    "an enforcement" = concat(rule.definition.permissions.read, rule.definition.permissions.write, try(local.starts[id].run, []))
    "an undo"        = concat(rule.definition.permissions.undo, try(local.starts[id].undo, []))
  } }
  session_scopes = { for id, jobs in local.session_statements : id => { for job, statements in jobs : job => {
    for statement in statements :
    jsonencode({ r = statement.resources, c = try(statement.conditions, null) }) => statement.actions...
  } } }
  session_sizes = { for id, jobs in local.session_scopes : id => { for job, scopes in jobs : job => length(replace(replace(replace(jsonencode({
    Version = "2012-10-17"
    Statement = [for scope, actions in scopes : merge(
      { Effect = "Allow", Action = distinct(flatten(actions)), Resource = jsondecode(scope).r },
      jsondecode(scope).c == null ? {} : { Condition = jsondecode(scope).c },
    )]
  }), "$${partition}", "aws-us-gov"), "$${region}", "ap-southeast-1"), "$${account}", "111111111111")) } }

  taken = merge(concat(
    [for id, rule in local.vocabulary.rules : { (id) = "a built-in rule", (rule.legacy_id) = "a built-in rule" }],
    [for id, _ in local.library : { (id) = "a rule of the library" }],
  )...)

  # Ids that would give a resource of the rule the name of another one, or change the meaning of the pause parameter.
  reserved = {
    check-polls = "a schedule of this module"
    operator    = "a policy of this module"
    viewer      = "a policy of this module"
    all         = "a value of the pause parameter"
    none        = "a value of the pause parameter"
  }

  own_mistakes = { for id, rule in local.declared : id => concat(
    can(regex("^[a-z0-9]+(-[a-z0-9]+)*$", id)) && length(id) <= 40 ? [] : [" has ${length(id)} characters: expected an id of at most 40 lowercase letters, digits and hyphens"],
    can(local.taken[id]) ? [" is the id of ${local.taken[id]}: expected another"] : [],
    can(local.reserved[id]) ? [" has the name of ${local.reserved[id]}: expected another id"] : [],
    (rule.desired_state == null) != (rule.runbook == null) ? [] : [" has ${rule.runbook == null ? "neither desired_state nor runbook" : "desired_state and runbook"}: expected one of the two"],
    length([for name in rule.netskope_rule_names : name if trimspace(name) != ""]) > 0 ? [] : [".netskope_rule_names is empty: expected the rule's names as Netskope shows them"],
    [for name in rule.netskope_rule_names : ".netskope_rule_names contains \"${substr(name, 0, 40)}…\", a name of ${length(name)} characters: expected at most 1024" if length(name) > 1024],
    contains(["regional", "global"], rule.scope) ? [] : [".scope is \"${rule.scope}\": expected regional or global"],
    contains(["low", "medium", "high", "critical"], rule.severity) ? [] : [".severity is \"${rule.severity}\": expected low, medium, high or critical"],
    rule.resource_id_pattern == null ? [] : concat(
      can(regexall(rule.resource_id_pattern, "")) ? [] : [".resource_id_pattern is \"${rule.resource_id_pattern}\": expected a regular expression"],
      length(rule.resource_id_pattern) <= 256 ? [] : [".resource_id_pattern has ${length(rule.resource_id_pattern)} characters: expected at most 256"],
    ),
    rule.desired_state == null ? [] : !can(local.types[rule.desired_state.resource_type]) ? [
      ".desired_state.resource_type is \"${rule.desired_state.resource_type}\", which is unknown (as of ${local.type_date}): expected a CloudFormation type such as AWS::RDS::DBInstance"
      ] : concat(
      local.types[rule.desired_state.resource_type].update == null ? [".desired_state.resource_type is ${rule.desired_state.resource_type}, which Cloud Control cannot update: use a runbook"] : [],
      length(local.states[id].set) > 0 ? [] : [".desired_state.set is empty: expected pointers and values, such as { \"/PubliclyAccessible\" = false }"],
      length(split("|", rule.desired_state.identifier)) == length(local.types[rule.desired_state.resource_type].identifier) ? [] : [
        ".desired_state.identifier is \"${rule.desired_state.identifier}\": expected ${join("|", [for pointer in local.types[rule.desired_state.resource_type].identifier : trimprefix(pointer, "/")])}, the type's primary identifier"
      ],
      try(local.types[rule.desired_state.resource_type].update, null) == null ? [] : local.pointer_mistakes[id],
    ),
    [for arn in [try(local.runs[id].resource_arn, null)] : ".runbook.resource_arn is \"${arn}\": expected an ARN such as arn:{{partition}}:sqs:{{region}}:{{account}}:{{resource}}, or {{resource}} where findings name ARNs" if arn != null && !can(regex("^(arn:.*\\{\\{(resource|arn[.]resource_id)\\}\\}.*|\\{\\{resource\\}\\})$", arn))],
    [for word, run in local.documents_of[id] : "${word == "run" ? ".runbook" : ".runbook.undo"}.document is empty: expected a document's name or ARN" if run.document == ""],
    [for word, run in local.documents_of[id] : "${word == "run" ? ".runbook" : ".runbook.undo"}.version is \"${run.version}\": expected a number, or $DEFAULT" if !can(regex("^(\\$DEFAULT|[1-9][0-9]*)$", run.version))],
    flatten([for each in local.texts[id] : [
      for name in [for match in regexall("\\{\\{([^{}]*)\\}\\}", each.text) : match[0]] : "${each.at} has the placeholder {{${name}}}, which is unknown: expected one of ${join(", ", each.known)}"
      if !contains(each.known, name)
    ]]),
    local.statement_mistakes[id],
    [for job, size in local.session_sizes[id] : ".permissions make a session policy of ${size} characters for ${job}: STS allows 2048. Name fewer actions, or more resources by one pattern" if size > 2048],
  ) }

  # The enabled rules with their additional Netskope names, by id. Where these are unknown, only the declared rules are checked.
  ids     = merge([for id, rule in local.vocabulary.rules : { (id) = id, (rule.legacy_id) = id }]...)
  further = { for key, names in var.rules : lookup(local.ids, key, key) => names... }

  # If two rules claimed a Netskope name, its findings would be remediated twice. The collector ignores spaces and case in names.
  claims = concat(
    flatten([for id, rule in merge(local.vocabulary.rules, local.library) : [for name in rule.netskope_rule_names : { id = id, name = name }] if contains(keys(local.further), id)]),
    flatten([for id, lists in local.further : [for name in flatten(lists) : { id = id, name = name }]]),
    flatten([for id, rule in local.declared : [for name in rule.netskope_rule_names : { id = id, name = name }]]),
  )
  claimants = { for claim in local.claims : lower(replace(claim.name, "/\\s/", "")) => claim... if trimspace(claim.name) != "" }
  # Messages point to what the user wrote, preferably to a custom rule.
  claimed_twice = [
    for claims in [for claims in values(local.claimants) : claims if length(distinct(claims[*].id)) > 1] :
    "${sort([for claim in claims : "${can(local.declared[claim.id]) ? "custom_rules" : can(local.further[claim.id]) && length(flatten(lookup(local.further, claim.id, []))) > 0 ? "rules" : "~"}[\"${claim.id}\"]"])[0]}.netskope_rule_names has \"${substr(claims[0].name, 0, 100)}\", which ${join(" and ", sort(distinct(claims[*].id)))} claim: expected one rule for each name"
  ]

  mistakes = concat(
    flatten([for id, mistakes in local.own_mistakes : [for mistake in mistakes : "custom_rules[\"${length(id) > 45 ? "${substr(id, 0, 45)}…" : id}\"]${mistake}" if !strcontains(mistake, module.inputs.in_place)]]),
    local.claimed_twice,
  )
}
