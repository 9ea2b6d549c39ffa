# Inputs that are objects, as they were given: which words and which kinds of values are mistaken, and the rest, which the
# caller's types take. Terraform itself drops a word that a type does not name, and ends at the first value of a wrong type.
#
# What an input may hold is in shapes.json, which scripts/input-shapes.ts makes of the types. Nothing here may depend on
# values: one of them may be known only after an apply, and `can` and `try` are then unknown as a whole. What jsonencode
# begins with is known nevertheless, and says whether a value is an object or a list.

locals {
  all_shapes = jsondecode(file("${path.module}/shapes.json"))
  shapes     = local.all_shapes[var.of]

  # The objects of each input: by their keys where it is a map of them, otherwise one, without a key.
  is_map = { for name, value in var.given : name => local.shapes[name].holds == "map" }
  objects = {
    for name, value in var.given : name => merge(concat(
      [for objects in [value] : { for key, object in objects : key => object } if local.is_map[name] && nonsensitive(startswith(jsonencode(objects), "{"))],
      [for object in [value] : { "" = object } if !local.is_map[name]],
    )...)
  }
  at = { for name, objects in local.objects : name => { for key, _ in objects : key => local.is_map[name] ? "${name}[\"${key}\"]" : name } }

  # The attributes of each object; of one that is something else, none.
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

  # Objects within them, always as a list; what is none is named among the mistakes.
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
  # Where each of them stands.
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
