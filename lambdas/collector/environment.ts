import { z } from 'zod';
import { accountIdSchema, regionSchema, ruleIdSchema } from '../model/finding.ts';
import { jsonText } from '../model/json.ts';
import { sourceEnvironmentSchema } from '../sources/index.ts';

/** Variables that Terraform sets for the collector: see `modules/central/collector.tf`. */
export const environmentSchema = z.object({
  /** The deployment's name, which is the prefix of the queues' names. */
  NAME: z.string().min(1),
  /** Region of the collector, the evidence bucket and the event bus. */
  HOME_REGION: regionSchema,
  SECURITY_ACCOUNT_ID: accountIdSchema,
  EVIDENCE_BUCKET: z.string().min(3),
  FINDINGS_TABLE: z.string().min(3),
  EVENT_BUS_ARN: z.string().startsWith('arn:'),
  ...sourceEnvironmentSchema.shape,
  /** The regions that have a queue. */
  REGIONS: jsonText(z.array(regionSchema).min(1)),
  /** The schedules of the rules that are polled: rule → expression. */
  POLL_SCHEDULES: jsonText(z.record(ruleIdSchema, z.string())).default({}),
  /** The time zone of schedules that are cron expressions. */
  SCHEDULE_TIME_ZONE: z.string().min(1).default('UTC'),
  /** Additional region names in findings: label → code. */
  REGION_LABELS: jsonText(z.record(z.string(), regionSchema)),
});
export type Environment = z.infer<typeof environmentSchema>;
