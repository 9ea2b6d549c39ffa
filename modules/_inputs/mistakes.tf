locals {
  wanted = {
    string  = "a string"
    number  = "a number"
    bool    = "true or false"
    list    = "a list of strings"
    map     = "a map of strings"
    any     = "a list"
    json    = "any value"
    object  = "an object"
    objects = "a list of objects"
  }

  # Misspelled attributes, which can have any length. Known at every plan, because attribute names are known even if their values are not.
  words = flatten([
    for name, objects in local.attributes : [
      for key, object in objects : concat(
        [{ at = local.at[name][key], given = keys(object), known = keys(local.shapes[name].words) }],
        [
          for word, list in local.inner[name][key] : [
            for index, each in list : { at = local.inner_at[name][key][word][index], given = keys(each), known = keys(local.shapes[name].words[word].words) }
            if nonsensitive(startswith(jsonencode(each), "{"))
          ]
        ],
      )
    ]
  ])
  misspelled = flatten([
    for object in local.words : [
      for word in setsubtract(object.given, object.known) : format("%s has \"%s\", which is unknown: expected %s", length(object.at) > 70 ? "${substr(object.at, 0, 50)}…" : object.at, substr(word, 0, 40), join(" or ", concat(
        [for known in object.known : known if substr(known, 0, 3) == substr(word, 0, 3)],
        [for known in [join(", ", [for known in object.known : known if substr(known, 0, 3) != substr(word, 0, 3)])] : known if known != ""],
      )))
    ]
  ])

  # Values that should be objects and are not. Also known at every plan.
  no_objects = concat(
    [for name, value in var.given : { at = name, value = value, wanted = "a map of objects" } if local.is_map[name] && !nonsensitive(startswith(jsonencode(value), "{"))],
    flatten([
      for name, objects in local.objects : [
        for key, object in objects : { at = local.at[name][key], value = object, wanted = local.wanted.object }
        if !anytrue([for start in ["{", "n"] : nonsensitive(startswith(jsonencode(object), start))])
      ]
    ]),
    flatten([
      for name, objects in local.inner : [
        for key, object in objects : [
          for word, list in object : [
            for index, each in list : { at = local.inner_at[name][key][word][index], value = each, wanted = local.wanted.object }
            if !nonsensitive(startswith(jsonencode(each), "{"))
          ]
        ]
      ]
    ]),
  )

  # Values of a wrong kind. Unknown as long as any of the values is unknown.
  values = flatten([
    for name, objects in local.known : [
      for key, object in objects : concat(
        [for word, value in object : { at = "${local.at[name][key]}.${word}", value = value, kind = local.shapes[name].words[word].kind }],
        [
          for word, list in local.inner[name][key] : [
            for index, each in list : [
              for inner_word, value in each : {
                at = "${local.inner_at[name][key][word][index]}.${inner_word}", value = value, kind = replace(local.shapes[name].words[word].words[inner_word].kind, "/^any$/", "json")
              } if contains(keys(local.shapes[name].words[word].words), inner_word)
            ] if nonsensitive(startswith(jsonencode(each), "{"))
          ]
        ],
      )
    ]
  ])
  wrong = concat(
    [
      for value in local.values : { at = value.at, value = value.value, wanted = local.wanted[value.kind] }
      if !nonsensitive(
        value.kind == "string" ? can(tostring(value.value)) :
        value.kind == "number" ? can(tonumber(value.value)) :
        value.kind == "bool" ? can(tobool(value.value)) :
        value.kind == "object" || value.kind == "json" || anytrue([for start in [value.kind == "map" ? "{" : "[", "n"] : nonsensitive(startswith(jsonencode(value.value), start))])
      )
    ],
    flatten([
      for value in local.values : [
        for index, item in value.value : { at = format("%s[%v]", value.at, index), value = item, wanted = local.wanted.string } if nonsensitive(item == null || !can(tostring(item)))
      ] if contains(["list", "map"], value.kind) && nonsensitive(startswith(jsonencode(value.value), value.kind == "list" ? "[" : "{"))
    ]),
  )

  # The messages, with the value that was found instead of the expected one.
  messages = {
    for kind, mistakes in { structure = local.no_objects, kinds = local.wrong } : kind => [
      for mistake in mistakes : format("%s is %s%s: expected %s",
        mistake.at,
        nonsensitive(startswith(jsonencode(mistake.value), "[")) ? "a list" :
        nonsensitive(startswith(jsonencode(mistake.value), "{")) ? "an object" :
        nonsensitive(issensitive(jsonencode(mistake.value)) ? "a sensitive value" : substr(jsonencode(mistake.value), 0, 60)),
        nonsensitive(startswith(jsonencode(mistake.value), "\"")) ? ", a string" : nonsensitive(can(tonumber(jsonencode(mistake.value)))) ? ", a number" : "",
        mistake.wanted,
      )
    ]
  }
}
