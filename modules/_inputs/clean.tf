# The inputs in a form that the caller's types accept: only known attributes, and null (the default) for values of a wrong kind.
# Values that are unknown before an apply pass unchanged, because their type is unknown too.
locals {
  # Replaces a text of a wrong kind where null would be another mistake, or would shift the other items of a list.
  in_place = "(of a wrong kind)"

  inner_objects = {
    for name, objects in local.inner : name => {
      for key, object in objects : key => {
        for word, list in object : word => [
          for each in list : merge(concat(
            [for object in [each] : { for inner_word, value in object : inner_word => value } if nonsensitive(startswith(jsonencode(object), "{"))],
            [for object in [each] : { for inner_word, known in local.shapes[name].words[word].words : inner_word => local.in_place if known.kind == "string" } if !nonsensitive(startswith(jsonencode(object), "{"))],
          )...)
        ]
      }
    }
  }
  inner_clean = {
    for name, objects in local.inner : name => {
      for key, object in objects : key => {
        for word, list in object : word => [
          for each in local.inner_objects[name][key][word] : {
            for inner_word, value in each : inner_word => {
              string = try(tostring(value), local.in_place)
              number = try(tonumber(value), null)
              bool   = try(tobool(value), null)
              list   = one([for items in [value] : [for item in items : try(item == null ? local.in_place : tostring(item), local.in_place)] if nonsensitive(startswith(jsonencode(items), "["))])
              # A value of any type is passed as JSON, so that the surrounding objects have one type.
              any = one([for each in [value] : jsonencode(each) if !nonsensitive(startswith(jsonencode(each), "n"))])
            }[local.shapes[name].words[word].words[inner_word].kind] if contains(keys(local.shapes[name].words[word].words), inner_word)
          }
        ]
      }
    }
  }

  clean_objects = {
    for name, objects in local.known : name => {
      for key, object in objects : key => {
        for word, value in object : word => {
          string  = try(tostring(value), null)
          number  = try(tonumber(value), null)
          bool    = try(tobool(value), null)
          list    = one([for items in [value] : [for item in items : try(item == null ? local.in_place : tostring(item), local.in_place)] if nonsensitive(startswith(jsonencode(items), "["))])
          map     = one([for items in [value] : { for key, item in items : key => try(item == null ? local.in_place : tostring(item), local.in_place) } if nonsensitive(startswith(jsonencode(items), "{"))])
          any     = one([for items in [value] : items if nonsensitive(startswith(jsonencode(items), "["))])
          object  = one([for inner_word, list in local.inner_clean[name][key] : one(list) if inner_word == word && local.shapes[name].words[word].kind == "object" && nonsensitive(startswith(jsonencode(value), "{"))])
          objects = one([for inner_word, list in local.inner_clean[name][key] : list if inner_word == word])
        }[local.shapes[name].words[word].kind]
      }
    }
  }

  clean = {
    for name, value in var.given : name => one(concat(
      [for objects in [local.clean_objects[name]] : objects if local.is_map[name]],
      [for object in values(local.clean_objects[name]) : object if !local.is_map[name] && nonsensitive(startswith(jsonencode(value), "{"))],
    ))
  }
}
