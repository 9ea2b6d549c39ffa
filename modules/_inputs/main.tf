# Checks object inputs for unknown attributes and values of a wrong kind, and returns the rest in a form that the caller's types
# accept. Terraform itself silently ignores unknown attributes, and stops at the first value of a wrong type.
#
# shapes.json lists the valid attributes; scripts/input-shapes.ts generates it from the types. Nothing here may depend on
# values, because some may be unknown before an apply, and the results of `can` and `try` are then unknown too. The first
# character of jsonencode's result is always known, and distinguishes objects and lists.

locals {
  all_shapes = jsondecode(file("${path.module}/shapes.json"))
  shapes     = local.all_shapes[var.of]

  # The objects of each input: by key if the input is a map of objects, otherwise a single object with an empty key.
  is_map = { for name, value in var.given : name => local.shapes[name].holds == "map" }
  objects = {
    for name, value in var.given : name => merge(concat(
      [for objects in [value] : { for key, object in objects : key => object } if local.is_map[name] && nonsensitive(startswith(jsonencode(objects), "{"))],
      [for object in [value] : { "" = object } if !local.is_map[name]],
    )...)
  }
  at = { for name, objects in local.objects : name => { for key, _ in objects : key => local.is_map[name] ? "${name}[\"${key}\"]" : name } }

  # The attributes of each object; none if the value is not an object.
  attributes = {
    for name, objects in local.objects : name => {
      for key, object in objects : key => merge([for each in [object] : { for word, value in each : word => value } if nonsensitive(startswith(jsonencode(each), "{"))]...)
    }
  }
  known = {
    for name, objects in local.attributes : name => {
      for key, object in objects : key => { for word, value in object : word => value if contains(keys(local.shapes[name].words), word) }
    }
  }

  # Nested objects, always as a list. Values that are not objects are reported as mistakes.
  inner = {
    for name, objects in local.known : name => {
      for key, object in objects : key => {
        for word, value in object : word => concat(
          [for each in [value] : each if local.shapes[name].words[word].kind == "object" && !nonsensitive(startswith(jsonencode(each), "n"))],
          flatten([for list in [value] : [for each in list : each] if local.shapes[name].words[word].kind == "objects" && nonsensitive(startswith(jsonencode(list), "["))]),
        ) if contains(["object", "objects"], local.shapes[name].words[word].kind)
      }
    }
  }
  # The path of each nested object, for messages.
  inner_at = {
    for name, objects in local.inner : name => {
      for key, object in objects : key => {
        for word, list in object : word => [
          for index, _ in list : "${local.at[name][key]}.${word}${local.shapes[name].words[word].kind == "objects" ? "[${index}]" : ""}"
        ]
      }
    }
  }
}
