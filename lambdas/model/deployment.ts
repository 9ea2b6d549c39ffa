import { z } from 'zod';
import { accountIdSchema, regionSchema, ruleIdSchema } from './finding.ts';

/** Names of the queues. The names of job queues are the same in every region. */
const queuesSchema = z.object({
  jobs: z.string(),
  jobs_dead_letters: z.string(),
  jobs_delayed: z.string(),
  jobs_delayed_dead_letters: z.string(),
  /** Queue of the home region. */
  polls_dead_letters: z.string(),
});

/**
 * The content of the parameter `/<name>/deployment` in the home region: the deployed resources and their names.
 * Terraform writes it (`modules/central/deployment-parameter.tf`). A parameter is limited to 4 KB.
 */
export const deploymentSchema = z.object({
  version: z.literal(1),
  /** The version of the module that wrote it. */
  module: z.string(),
  name: z.string().min(1),
  /** The security account. */
  account: accountIdSchema,
  partition: z.string(),
  home_region: regionSchema,
  regions: z.array(regionSchema).min(1),
  /** The rules that are polled. */
  rules: z.array(ruleIdSchema),
  functions: z.object({ collector: z.string(), remediator: z.string() }),
  /** SHA-256 of each function's zip in base64, as Lambda reports it for deployed code. */
  code: z.object({ collector: z.string(), remediator: z.string() }),
  queues: queuesSchema,
  findings_table: z.string(),
  evidence_bucket: z.string(),
  settings_bucket: z.string(),
  schedule_group: z.string(),
  /** The role that the remediators assume in each account, with its path. */
  target_role: z.string(),
  /** The ARN of the notifications topic. Without one, no notifications are sent. */
  topic: z.string().optional(),
});
export type Deployment = z.infer<typeof deploymentSchema>;

/** Builds the parameter name `/<name>/deployment`. */
export function deploymentParameter(name: string): string {
  return `/${name}/deployment`;
}

/**
 * Builds the parameter name `/<name>/home-region`. The parameter exists in each region, and its value is the home
 * region's code.
 */
export function homeRegionParameter(name: string): string {
  return `/${name}/home-region`;
}

/** Builds the parameter name `/<name>/pause`. The parameter exists in each region. */
export function pauseParameter({ name }: Pick<Deployment, 'name'>): string {
  return `/${name}/pause`;
}
