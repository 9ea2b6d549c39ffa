import { z } from 'zod';
import { accountIdSchema, regionSchema } from '../model/finding.ts';

const count = z.string().regex(/^\d+$/, 'expected a whole number').transform(Number);

/** Variables that Terraform sets for the remediator: see `modules/per-region/remediator.tf`. */
export const environmentSchema = z.object({
  NAME: z.string().min(1),
  /** The region of this remediator. Set by Lambda. */
  AWS_REGION: regionSchema,
  HOME_REGION: regionSchema,
  SECURITY_ACCOUNT_ID: accountIdSchema,
  PARTITION: z.string().regex(/^aws(-[a-z]+)*$/, 'expected a partition such as aws'),
  EVIDENCE_BUCKET: z.string().min(3),
  FINDINGS_TABLE: z.string().min(3),
  SETTINGS_BUCKET: z.string().min(3),
  EVENT_BUS_ARN: z.string().startsWith('arn:'),
  /** Name of the target role with its path, without the leading slash. */
  TARGET_ROLE_NAME: z.string().min(1),
  /** Name of the role for Systems Manager Automation in each account, with its path, without the leading slash. */
  AUTOMATION_ROLE_NAME: z.string().min(1),
  /** The unique id of the collector's role, whose messages must not name requests. */
  COLLECTOR_ROLE_ID: z.string().min(1),
  EXTERNAL_ID: z.string().min(2),
  /** Number of receives after which an unfinished job goes to the dead-letter queue. */
  MAX_RECEIVE_COUNT: count.pipe(z.number().min(1)),
  /** Delay before the second attempt at an unfinished job, in seconds; each further delay is twice as long. */
  RETRY_DELAY_SECONDS: count,
});
export type Environment = z.infer<typeof environmentSchema>;
