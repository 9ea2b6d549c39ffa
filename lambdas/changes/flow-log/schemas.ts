import { z } from 'zod';

/** Schemas of the changes to flow logs. They share a file because a change and its inverse refer to each other. */

const flowLogSchema = z.object({
  /** The VPC's id. */
  resource: z.string(),
  trafficType: z.enum(['ACCEPT', 'REJECT', 'ALL']),
  /** Length of the interval in seconds: 60 or 600. */
  maxAggregationInterval: z.union([z.literal(60), z.literal(600)]),
  destination: z.discriminatedUnion('type', [
    z.object({ type: z.literal('cloud-watch-logs'), logGroup: z.string(), deliveryRoleArn: z.string() }),
    z.object({ type: z.literal('s3'), arn: z.string() }),
  ]),
});

export const flowLogCreateSchema = flowLogSchema.extend({
  kind: z.literal('flow-log-create'),
  /** The flow log's id; null until it is created. */
  flowLogId: z.string().nullable(),
});
export type FlowLogCreate = z.infer<typeof flowLogCreateSchema>;

export const flowLogDeleteSchema = flowLogSchema.extend({
  kind: z.literal('flow-log-delete'),
  flowLogId: z.string(),
});
export type FlowLogDelete = z.infer<typeof flowLogDeleteSchema>;
