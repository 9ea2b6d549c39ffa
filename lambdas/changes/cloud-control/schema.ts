import { z } from 'zod';
import { jsonSchema } from '../../model/json.ts';

/** A changed property. An omitted value means that the property does not exist. */
const propertySchema = z.object({
  /** `/VersioningConfiguration/Status` (RFC 6901). */
  pointer: z.string(),
  before: jsonSchema.optional(),
  after: jsonSchema,
  /** The value that an undo sets if the property did not exist: AWS's default, which `remove` would not restore. */
  otherwise: jsonSchema.optional(),
});
export type PropertyChange = z.infer<typeof propertySchema>;

/** The RFC 6902 operations that plans use. */
const operationSchema = z.union([
  z.object({ op: z.enum(['test', 'add', 'replace']), path: z.string(), value: jsonSchema }),
  z.object({ op: z.literal('remove'), path: z.string() }),
]);
export type PatchOperation = z.infer<typeof operationSchema>;

export const propertiesSetSchema = z.object({
  kind: z.literal('cloud-control-properties-set'),
  /** The type's primary identifier. */
  resource: z.string(),
  /** The CloudFormation type name: `AWS::RDS::DBInstance`. */
  type: z.string(),
  properties: z.array(propertySchema).min(1),
  /**
   * The operations to send, beginning with tests of the state that the plan saw. Omitted in an undo, which creates them
   * when it reads the resource.
   */
  patch: z.array(operationSchema).optional(),
  /** The pointer of the property with the resource's tags. Not set in an undo, or if the type has no tags. */
  tags: z.string().optional(),
  /** Note for people about what the change may break. */
  risk: z.string().default(''),
  /** Set in the note before the call: AWS executes the request only once, however often it is sent. */
  clientToken: z.string().optional(),
  /** Set once AWS has accepted the request. */
  requestToken: z.string().optional(),
});
export type PropertiesSet = z.infer<typeof propertiesSetSchema>;
