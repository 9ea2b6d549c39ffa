variables {
  rules = { rds-instance-deletion-protection = [], s3-bucket-public = ["Buckets of ours"] }
  custom_rules = {
    own-instances = {
      title               = "RDS instances are not publicly accessible"
      netskope_rule_names = ["ACME-1"]
      severity            = "high"
      resource_id_pattern = "[a-z][a-z0-9-]*"
      risk                = "Clients outside the VPC lose the connection."
      desired_state = {
        resource_type = "AWS::RDS::DBInstance"
        set           = { "/PubliclyAccessible" = false }
        ready         = { "/DBInstanceStatus" = "available" }
      }
      permissions = {
        read  = [{ actions = ["rds:DescribeDBInstances"], resources = ["arn:{{partition}}:rds:{{region}}:{{account}}:db:*"] }]
        write = [{ actions = ["rds:ModifyDBInstance"], resources = ["arn:{{partition}}:rds:{{region}}:{{account}}:db:*"] }]
      }
    }
    acme-tagging = {
      netskope_rule_names = ["ACME-17"]
      runbook = {
        document     = "arn:{{partition}}:ssm:{{region}}:999999999999:document/Acme-Tag"
        version      = "3"
        parameters   = { AutomationAssumeRole = ["{{automation_role_arn}}"], Queue = ["{{arn.resource_id}}"] }
        undo         = { document = "Acme-Untag", parameters = { Queue = ["{{arn.resource_id}}"] } }
        resource_arn = "{{resource}}"
      }
      permissions = { automation = [{ actions = ["sqs:TagQueue"], resources = ["arn:{{partition}}:sqs:{{region}}:{{account}}:*"] }] }
    }
    tagged-buckets = {
      netskope_rule_names = ["ACME-18"]
      desired_state = {
        resource_type = "AWS::S3::Bucket"
        violates      = { "/VersioningConfiguration/Status" = { absent = true }, "/Tags" = { contains = { Key = "a", Value = "b" } } }
        set           = { "/VersioningConfiguration/Status" = "Enabled" }
        defaults      = { "/VersioningConfiguration/Status" = "Suspended" }
      }
      permissions = { write = [{ actions = ["s3:PutBucketVersioning"], resources = ["*"] }], allow = ["s3:PutBucketVersioning"] }
    }
  }
}

# The library's compiler, which is separate code, must produce the same definition from the same declaration.
run "a_desired_state" {
  command = plan

  assert {
    condition     = jsonencode(output.catalog["own-instances"].definition) == jsonencode(output.catalog["rds-instance-public"].definition)
    error_message = "${jsonencode(output.catalog["own-instances"].definition)}\n${jsonencode(output.catalog["rds-instance-public"].definition)}"
  }
  assert {
    condition     = output.catalog["tagged-buckets"].definition.desired_state.violates["/Tags"].contains.Key == "a" && output.catalog["tagged-buckets"].definition.desired_state.violates["/VersioningConfiguration/Status"].absent
    error_message = jsonencode(output.catalog["tagged-buckets"].definition)
  }
  assert {
    condition     = output.own == toset(["acme-tagging", "own-instances", "tagged-buckets"]) && length(output.catalog) > 15
    error_message = "The library is in the catalogue, too."
  }
}

run "a_runbook" {
  command = plan

  assert {
    condition     = output.catalog["acme-tagging"].definition.runbook.undo.version == "$DEFAULT" && output.catalog["acme-tagging"].definition.runbook.parameters.AutomationAssumeRole == ["{{automation_role_arn}}"]
    error_message = jsonencode(output.catalog["acme-tagging"].definition)
  }
  assert {
    condition = output.catalog["acme-tagging"].runbook.start[2].resources == [
      "arn:$${partition}:ssm:$${region}:999999999999:document/Acme-Tag",
      "arn:$${partition}:ssm:$${region}:999999999999:automation-definition/Acme-Tag:*",
    ]
    error_message = jsonencode(output.catalog["acme-tagging"].runbook)
  }
  assert {
    condition     = output.catalog["acme-tagging"].definition.runbook.resource_arn == "{{resource}}" && output.catalog["acme-tagging"].permissions.read[*].actions == [["tag:GetResources"]]
    error_message = jsonencode(output.catalog["acme-tagging"])
  }
  assert {
    condition     = contains(flatten(output.catalog["acme-tagging"].permissions.undo[*].resources), "arn:$${partition}:ssm:$${region}:*:document/Acme-Untag")
    error_message = jsonencode(output.catalog["acme-tagging"].permissions)
  }
}

run "every_mistake_at_once" {
  command = plan

  variables {
    refuse = false
    custom_rules = {
      "Not-an-id-and-far-too-long-for-one-as-everyone-can-see" = {
        netskope_rule_names = ["A"]
        desired_state       = { resource_type = "AWS::RDS::DBInstance", set = { "/PubliclyAccessible" = false } }
      }
      rds-instance-public = {
        netskope_rule_names = ["Ensure S3 Bucket is not publicly accessible."]
        runbook             = { document = "Acme" }
      }
      neither = { netskope_rule_names = [], scope = "everywhere", severity = "dire", resource_id_pattern = "(" }
      unknown-type = {
        netskope_rule_names = ["RDS DB instances should have  deletion protection enabled"]
        desired_state       = { resource_type = "AWS::RDS::Instance", set = { "/A" = 1 } }
      }
      pointers = {
        netskope_rule_names = ["C"]
        desired_state = {
          resource_type = "AWS::RDS::DBInstance"
          identifier    = "{{resource}}|{{arn.nothing}}"
          violates      = { "/MasterUserPassword" = "x" }
          set = {
            "/PublicAccess"            = false
            "/PubliclyAccessible"      = "no"
            "/StorageEncrypted"        = true
            "/AutoMinorVersionUpgrade" = true
            "/DbiResourceId"           = "x"
            "/MasterUserPassword"      = "x"
            "/Tags/0/Value"            = "x"
          }
          defaults = { "/MultiAZ" = false }
        }
      }
      lists = {
        netskope_rule_names = ["D"]
        desired_state       = { resource_type = "AWS::ElasticLoadBalancingV2::LoadBalancer", set = { "/LoadBalancerAttributes" = [] } }
      }
      no-update = {
        netskope_rule_names = ["D"]
        desired_state       = { resource_type = "AWS::EC2::EIPAssociation", set = { "/X" = 1 } }
      }
      statements = {
        netskope_rule_names = ["F"]
        desired_state       = { resource_type = "AWS::RDS::DBInstance", set = { "/PubliclyAccessible" = false } }
        permissions = {
          read = [{ actions = ["rds:ModifyDBInstance", "rds:Describe*"], resources = ["arn:{{partition}}:rds:{{zone}}:{{account}}:db:*"] }, { actions = [], resources = ["*"] }]
          write = concat(
            [{ actions = ["rds:ModifyDBInstance", "rds:ModifyInstance", "rdz:ModifyDBInstance"], resources = ["*"] }],
            # Each is as broad as "*".
            [for resource in ["**", "arn:*", "arn:*:*:*:*:*:*", "arn:{{partition}}:*:{{region}}:?*:*"] : { actions = ["rds:ModifyDBInstance"], resources = [resource] }],
            [for resource in ["arn:aws:rds:*", "arn:{{partition}}:rds:*:*:db:*"] : { actions = ["rds:ModifyDBInstance"], resources = [resource] }],
          )
        }
      }
      large = {
        netskope_rule_names = ["G"]
        runbook             = { document = "", version = "latest", parameters = { A = ["{{role}}"] }, resource_arn = "queue/{{queue}}" }
        permissions = {
          read = [for n in range(60) : { actions = ["rds:DescribeDBInstances"], resources = ["arn:{{partition}}:rds:{{region}}:{{account}}:db:number-${n}"] }]
        }
      }
    }
  }

  assert {
    condition = tolist(output.mistakes) == tolist([
      "custom_rules[\"Not-an-id-and-far-too-long-for-one-as-everyon…\"] has 54 characters: expected an id of at most 40 lowercase letters, digits and hyphens",
      "custom_rules[\"large\"].runbook.resource_arn is \"queue/{{queue}}\": expected an ARN such as arn:{{partition}}:sqs:{{region}}:{{account}}:{{resource}}, or {{resource}} where findings name ARNs",
      "custom_rules[\"large\"].runbook.document is empty: expected a document's name or ARN",
      "custom_rules[\"large\"].runbook.version is \"latest\": expected a number, or $DEFAULT",
      "custom_rules[\"large\"].runbook.resource_arn has the placeholder {{queue}}, which is unknown: expected one of resource, account, region, partition, dns_suffix, arn.partition, arn.service, arn.region, arn.account, arn.resource_type, arn.resource_id",
      "custom_rules[\"large\"].runbook.parameters.A has the placeholder {{role}}, which is unknown: expected one of resource, account, region, partition, dns_suffix, arn.partition, arn.service, arn.region, arn.account, arn.resource_type, arn.resource_id, automation_role_arn",
      "custom_rules[\"large\"].permissions make a session policy of 8676 characters for an enforcement: STS allows 2048. Name fewer actions, or more resources by one pattern",
      "custom_rules[\"lists\"].desired_state.set \"/LoadBalancerAttributes\" is a list of key-value pairs, which pointers cannot name: use a runbook",
      "custom_rules[\"neither\"] has neither desired_state nor runbook: expected one of the two",
      "custom_rules[\"neither\"].netskope_rule_names is empty: expected the rule's names as Netskope shows them",
      "custom_rules[\"neither\"].scope is \"everywhere\": expected regional or global",
      "custom_rules[\"neither\"].severity is \"dire\": expected low, medium, high or critical",
      "custom_rules[\"neither\"].resource_id_pattern is \"(\": expected a regular expression",
      "custom_rules[\"no-update\"].desired_state.resource_type is AWS::EC2::EIPAssociation, which Cloud Control cannot update: use a runbook",
      "custom_rules[\"pointers\"].desired_state.identifier is \"{{resource}}|{{arn.nothing}}\": expected DBInstanceIdentifier, the type's primary identifier",
      "custom_rules[\"pointers\"].desired_state.defaults \"/MultiAZ\" is not in `set`: expected the same pointers",
      "custom_rules[\"pointers\"].desired_state.set \"/AutoMinorVersionUpgrade\" cannot be set: for some resources, it can be set only at creation",
      "custom_rules[\"pointers\"].desired_state.set \"/DbiResourceId\" cannot be set: only AWS sets it",
      "custom_rules[\"pointers\"].desired_state.set \"/MasterUserPassword\" cannot be set: it cannot be read, so a violation cannot be detected",
      "custom_rules[\"pointers\"].desired_state.set \"/PublicAccess\" is not a property of AWS::RDS::DBInstance (as of 2026-10-20)",
      "custom_rules[\"pointers\"].desired_state.set \"/PubliclyAccessible\" has \"no\": expected true or false",
      "custom_rules[\"pointers\"].desired_state.set \"/StorageEncrypted\" cannot be set: it can be set only at creation",
      "custom_rules[\"pointers\"].desired_state.set \"/Tags/0/Value\" is not a property of AWS::RDS::DBInstance (as of 2026-10-20): a pointer cannot name an item of a list",
      "custom_rules[\"pointers\"].desired_state.violates \"/MasterUserPassword\" cannot be judged: it cannot be read, so a violation cannot be detected",
      "custom_rules[\"pointers\"].desired_state.identifier has the placeholder {{arn.nothing}}, which is unknown: expected one of resource, account, region, partition, dns_suffix, arn.partition, arn.service, arn.region, arn.account, arn.resource_type, arn.resource_id",
      "custom_rules[\"rds-instance-public\"] is the id of a rule of the library: expected another",
      "custom_rules[\"statements\"].permissions.read has the placeholder {{zone}}, which is unknown: expected one of partition, region, account",
      "custom_rules[\"statements\"].permissions.read[0] names rds:ModifyDBInstance, which changes something: expected it in write",
      "custom_rules[\"statements\"].permissions.read[0] names rds:Describe*, which is not an AWS action: expected the full name of an action of rds",
      "custom_rules[\"statements\"].permissions.read[1] has no actions: expected { actions = [\"rds:DescribeDBInstances\"], resources = [\"arn:{{partition}}:rds:{{region}}:{{account}}:db:*\"] }",
      "custom_rules[\"statements\"].permissions.write[0] gives rds:ModifyDBInstance on every resource: name its resources, or the action in permissions.allow",
      "custom_rules[\"statements\"].permissions.write[0] names rds:ModifyInstance, which is not an AWS action: expected the full name of an action of rds",
      "custom_rules[\"statements\"].permissions.write[0] names rdz:ModifyDBInstance, which is not an AWS action: expected one such as rds:ModifyDBInstance",
      "custom_rules[\"statements\"].permissions.write[1] gives rds:ModifyDBInstance on every resource: name its resources, or the action in permissions.allow",
      "custom_rules[\"statements\"].permissions.write[2] gives rds:ModifyDBInstance on every resource: name its resources, or the action in permissions.allow",
      "custom_rules[\"statements\"].permissions.write[3] gives rds:ModifyDBInstance on every resource: name its resources, or the action in permissions.allow",
      "custom_rules[\"statements\"].permissions.write[4] gives rds:ModifyDBInstance on every resource: name its resources, or the action in permissions.allow",
      "custom_rules[\"unknown-type\"].desired_state.resource_type is \"AWS::RDS::Instance\", which is unknown (as of 2026-10-20): expected a CloudFormation type such as AWS::RDS::DBInstance",
      "custom_rules[\"lists\"].netskope_rule_names has \"D\", which lists and no-update claim: expected one rule for each name",
      "custom_rules[\"rds-instance-public\"].netskope_rule_names has \"Ensure S3 Bucket is not publicly accessible.\", which rds-instance-public and s3-bucket-public claim: expected one rule for each name",
      "custom_rules[\"unknown-type\"].netskope_rule_names has \"RDS DB instances should have deletion protection enabled\", which rds-instance-deletion-protection and unknown-type claim: expected one rule for each name",
    ])
    error_message = join("\n", output.mistakes)
  }
}

run "two_built_in_rules_claim_one_name" {
  command = plan

  variables {
    refuse = false
    rules = {
      security-group-ssh-open = ["Ports of ours", "Buckets of ours"]
      CIS-1-2-0-4-2           = ["ports of  OURS"]
      s3-bucket-public        = ["Buckets of ours", "Ensure S3 Bucket is not publicly accessible.", "RDS DB instances should have deletion protection enabled"]
      rds-instance-public     = []
      redshift-cluster-public = ["RDS snapshots of ours"]
      # Another rule claims this name only if it is enabled.
      vpc-flow-logs-disabled           = ["RDS DB instances should be configured to copy tags to snapshots"]
      rds-instance-deletion-protection = []
    }
    custom_rules = {}
  }

  assert {
    condition = tolist(output.mistakes) == tolist([
      "rules[\"s3-bucket-public\"].netskope_rule_names has \"Buckets of ours\", which s3-bucket-public and security-group-ssh-open claim: expected one rule for each name",
      "rules[\"security-group-rdp-open\"].netskope_rule_names has \"ports of  OURS\", which security-group-rdp-open and security-group-ssh-open claim: expected one rule for each name",
      "rules[\"s3-bucket-public\"].netskope_rule_names has \"RDS DB instances should have deletion protection enabled\", which rds-instance-deletion-protection and s3-bucket-public claim: expected one rule for each name",
    ])
    error_message = join("\n", output.mistakes)
  }
}

run "a_name_of_a_disabled_rule_is_free" {
  command = plan

  variables {
    refuse       = false
    rules        = { rds-instance-public = [], own = [] }
    custom_rules = { own = { netskope_rule_names = ["Ensure S3 Bucket is not publicly accessible."], runbook = { document = "Acme" } } }
  }

  assert {
    condition     = output.mistakes == []
    error_message = join("\n", output.mistakes)
  }
}

run "the_session_policy_of_an_undo_is_measured_too" {
  command = plan

  variables {
    refuse = false
    rules  = {}
    custom_rules = {
      large-undo = {
        netskope_rule_names = ["G"]
        desired_state       = { resource_type = "AWS::RDS::DBInstance", set = { "/PubliclyAccessible" = false } }
        permissions = {
          write = [{ actions = ["rds:ModifyDBInstance"], resources = ["arn:{{partition}}:rds:{{region}}:{{account}}:db:*"] }]
          undo  = [for n in range(20) : { actions = ["rds:ModifyDBInstance"], resources = ["arn:{{partition}}:rds:{{region}}:{{account}}:db:number-${n}"] }]
        }
      }
    }
  }

  assert {
    condition = tolist(output.mistakes) == tolist([
      "custom_rules[\"large-undo\"].permissions make a session policy of 2847 characters for an undo: STS allows 2048. Name fewer actions, or more resources by one pattern",
    ])
    error_message = join("\n", output.mistakes)
  }
}

run "the_session_of_a_runbook_passes_its_role" {
  command = plan

  variables {
    refuse = false
    rules  = {}
    custom_rules = {
      large-run = {
        netskope_rule_names = ["G"]
        runbook             = { document = "Acme" }
        permissions = {
          # Below 2048 characters without the statement for iam:PassRole.
          read = [{ actions = ["rds:DescribeDBInstances"], resources = [for n in range(10, 31) : "arn:{{partition}}:rds:{{region}}:{{account}}:db:number-${n}"] }]
        }
      }
    }
  }

  assert {
    condition = tolist(output.mistakes) == tolist([
      "custom_rules[\"large-run\"].permissions make a session policy of 2069 characters for an enforcement: STS allows 2048. Name fewer actions, or more resources by one pattern",
    ])
    error_message = join("\n", output.mistakes)
  }
}

run "mistakes_fail_the_plan" {
  command = plan

  variables {
    custom_rules = { acme = { netskope_rule_names = ["A"], runbok = {} } }
  }

  expect_failures = [output.catalog]
}

# Each of these would clash with a resource of the module, or make the pause parameter ambiguous.
run "reserved_ids" {
  command = plan

  variables {
    refuse = false
    custom_rules = { for id in ["check-polls", "operator", "viewer", "all", "none"] : id => {
      netskope_rule_names = ["ACME ${id}"]
      runbook             = { document = "Acme" }
    } }
  }

  assert {
    condition = output.mistakes == [
      "custom_rules[\"all\"] has the name of a value of the pause parameter: expected another id",
      "custom_rules[\"check-polls\"] has the name of a schedule of this module: expected another id",
      "custom_rules[\"none\"] has the name of a value of the pause parameter: expected another id",
      "custom_rules[\"operator\"] has the name of a policy of this module: expected another id",
      "custom_rules[\"viewer\"] has the name of a policy of this module: expected another id",
    ]
    error_message = join("\n", output.mistakes)
  }
}

run "patterns" {
  command = plan

  variables {
    refuse = false
    custom_rules = { for index, pattern in ["(?i)[[:alpha:]]+\\z", "(a+)+", "(?=a)", "a**", format("%0257d", 0)] :
    format("p%d", index) => { netskope_rule_names = ["N${index}"], resource_id_pattern = pattern, runbook = { document = "Acme" } } }
  }

  assert {
    condition = output.mistakes == [
      "custom_rules[\"p2\"].resource_id_pattern is \"(?=a)\": expected a regular expression",
      "custom_rules[\"p3\"].resource_id_pattern is \"a**\": expected a regular expression",
      "custom_rules[\"p4\"].resource_id_pattern has 257 characters: expected at most 256",
    ]
    error_message = join("\n", output.mistakes)
  }
}

run "long_netskope_name" {
  command = plan

  variables {
    refuse       = false
    custom_rules = { acme = { netskope_rule_names = [format("%01025d", 0)], runbook = { document = "Acme" } } }
  }

  assert {
    condition     = output.mistakes == ["custom_rules[\"acme\"].netskope_rule_names contains \"0000000000000000000000000000000000000000…\", a name of 1025 characters: expected at most 1024"]
    error_message = join("\n", output.mistakes)
  }
}
