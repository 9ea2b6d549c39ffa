import { z } from 'zod';
import { jsonSchema } from './json.ts';

/**
 * A custom rule as Terraform writes it into the rule's settings, from `custom_rules` or from the library. Its
 * permissions include those for Cloud Control and Systems Manager.
 */

/** JSON pointer to a property in a resource's description (RFC 6901): `/VersioningConfiguration/Status`. */
const pointerSchema = z.string().regex(/^(\/[^/]+)+$/, 'expected a JSON pointer such as /PubliclyAccessible');

const permissionSchema = z
  .strictObject({
    actions: z.array(z.string()).min(1),
    resources: z.array(z.string()).min(1),
    conditions: z.record(z.string(), z.record(z.string(), z.array(z.string()))).optional(),
  })
  .transform(({ conditions, ...rest }) => ({ ...rest, ...(conditions !== undefined && { conditions }) }));

/** Condition on a property under which a resource violates the rule. */
const conditionSchema = z.union([
  z.strictObject({ equals: jsonSchema }),
  z.strictObject({ absent: z.literal(true) }),
  z.strictObject({ contains: jsonSchema }),
]);
export type PropertyCondition = z.infer<typeof conditionSchema>;

const desiredStateSchema = z.strictObject({
  /** The CloudFormation type name: `AWS::RDS::DBInstance`. */
  resource_type: z.string(),
  /** The type's primary identifier, with placeholders: `{{resource}}`. */
  identifier: z.string().min(1),
  /**
   * Conditions that must all be true for a violation, in addition to a value in `set` that differs. Empty: no further
   * conditions.
   */
  violates: z.record(pointerSchema, conditionSchema),
  /** The values that the properties must have. */
  set: z.record(pointerSchema, jsonSchema),
  /** Values that an undo sets for properties that were absent. */
  defaults: z.record(pointerSchema, jsonSchema),
  /** Values that a resource must have for AWS to accept a change now. */
  ready: z.record(pointerSchema, jsonSchema),
  /** True if resources that a CloudFormation stack manages are changed, too. */
  allow_stack_managed: z.boolean(),
  /** The properties that form the type's primary identifier. */
  primary_identifier: z.array(pointerSchema),
  /** The property with the resource's tags; null if the type has none. */
  tags: pointerSchema.nullable(),
});
export type DesiredState = z.infer<typeof desiredStateSchema>;

const documentSchema = z.strictObject({
  /** A name, or an ARN with placeholders. */
  document: z.string().min(1),
  version: z.string().min(1),
  /** Values with placeholders. If the document takes a role, they include it. */
  parameters: z.record(z.string(), z.array(z.string())),
});
export type CustomDocument = z.infer<typeof documentSchema>;

const runbookSchema = documentSchema.extend({
  undo: documentSchema.optional(),
  /**
   * The resource's ARN, with placeholders, which is needed to read its tags. Without it, a tag can't exempt the
   * resource.
   */
  resource_arn: z.string().min(1).optional(),
});
export type CustomRunbook = z.infer<typeof runbookSchema>;

export const customRuleSchema = z
  .strictObject({
    title: z.string().min(1),
    scope: z.enum(['regional', 'global']),
    severity: z.enum(['low', 'medium', 'high', 'critical']),
    /** A regular expression, in the syntax of RE2, that the whole of a finding's resource id must match. */
    resource_id_pattern: z.string().max(256).optional(),
    /** A description of what a fix can break. */
    risk: z.string(),
    desired_state: desiredStateSchema.optional(),
    runbook: runbookSchema.optional(),
    permissions: z.strictObject({
      read: z.array(permissionSchema),
      write: z.array(permissionSchema),
      undo: z.array(permissionSchema),
      automation: z.array(permissionSchema),
    }),
  })
  .refine(
    ({ desired_state, runbook }) => (desired_state === undefined) !== (runbook === undefined),
    'expected either a desired state or a runbook',
  );
export type CustomRule = z.infer<typeof customRuleSchema>;
