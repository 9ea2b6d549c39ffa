import { z } from 'zod';
import { jsonSchema } from '../../model/json.ts';

/** A property that is changed. A value that is left out: the property is not there. */
const propertySchema = z.object({
  /** `/VersioningConfiguration/Status` (RFC 6901). */
  pointer: z.string(),
  before: jsonSchema.optional(),
  after: jsonSchema,
  /** Value that an undo sets where the property was not there: AWS's default, which `remove` would not bring back. */
  otherwise: jsonSchema.optional(),
});
export type PropertyChange = z.infer<typeof propertySchema>;

/** An operation of RFC 6902, of those that plans have. */
const operationSchema = z.union([
  z.object({ op: z.enum(['test', 'add', 'replace']), path: z.string(), value: jsonSchema }),
  z.object({ op: z.literal('remove'), path: z.string() }),
]);
export type PatchOperation = z.infer<typeof operationSchema>;

export const propertiesSetSchema = z.object({
  kind: z.literal('cloud-control-properties-set'),
  /** The type's primary identifier. */
  resource: z.string(),
  /** CloudFormation's name of the type: `AWS::RDS::DBInstance`. */
  type: z.string(),
  properties: z.array(propertySchema).min(1),
  /** Operations that are sent, tests of what the plan saw first. Left out in an undo, which makes them when it looks. */
  patch: z.array(operationSchema).optional(),
  /** Note on what it may break, for a person to read before it is made. */
  risk: z.string().default(''),
  /** Set in the note before the call: AWS carries the request out once, however often it is called. */
  clientToken: z.string().optional(),
  /** Set once AWS has taken the request. */
  requestToken: z.string().optional(),
});
export type PropertiesSet = z.infer<typeof propertiesSetSchema>;
