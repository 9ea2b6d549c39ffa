import { z } from 'zod';
import {
  accountIdSchema,
  regionSchema,
  ruleIdSchema,
  timestampSchema,
} from '../../../lambdas/model/finding.ts';
import { modeSchema } from '../../../lambdas/model/mode.ts';
import { outcomeNameSchema } from '../../../lambdas/model/outcome-names.ts';

const count = z.int().nonnegative();

const ruleStatusSchema = z.object({
  rule: ruleIdSchema,
  modes: z.partialRecord(modeSchema, count).meta({
    description:
      'Number of accounts by mode, among those with findings in the last poll; with --account, the mode of that account. Without such accounts: the mode of the rule itself, as 0.',
  }),
  last_poll: z
    .object({
      as_of: timestampSchema,
      finished_at: timestampSchema,
      findings: count,
      unprocessable: count,
      left_to_source: count,
    })
    .optional()
    .meta({ description: 'The last completed poll.' }),
  outcomes: z
    .partialRecord(outcomeNameSchema, count)
    .meta({ description: 'Findings of that poll by outcome.' }),
  without_outcome: count.meta({ description: 'Findings of that poll without an outcome yet.' }),
  oldest: z
    .object({
      account: accountIdSchema,
      region: z.string(),
      resource: z.string(),
      outcome: outcomeNameSchema,
      since: timestampSchema,
    })
    .optional()
    .meta({ description: 'The finding that has been failing longest.' }),
  changes: z.object({ counted: count, most: count }).optional().meta({
    description:
      'Changes of the last hour that count toward the limit, in all accounts or with --account in that one, and the limit.',
  }),
  breakers: z.array(
    z.object({
      account: accountIdSchema,
      since: timestampSchema,
      changes: count,
      failed: count,
      reasons: z.array(z.string()),
    }),
  ),
  paused: z.array(z.object({ region: regionSchema, accounts: z.array(accountIdSchema).optional() })).meta({
    description: 'Regions in which a pause stops the rule; if accounts are listed, only in those.',
  }),
  held: count.meta({ description: 'Findings of the last poll that a hold defers.' }),
  problem: z
    .string()
    .optional()
    .meta({ description: 'Why the settings are not valid; nothing is changed then.' }),
});
export type RuleStatus = z.infer<typeof ruleStatusSchema>;

const depth = count.optional();

const regionStatusSchema = z.object({
  region: regionSchema,
  pause: z
    .string()
    .optional()
    .meta({ description: 'The value of the pause parameter; missing if there is none.' }),
  jobs: depth.meta({ description: 'Jobs that are waiting or in progress; missing if there is no queue.' }),
  jobs_delayed: depth.meta({ description: 'Jobs that wait for AWS to finish a change.' }),
  dead_letters: depth.meta({
    description: 'Jobs that failed in all attempts, and messages that are not jobs.',
  }),
  delayed_dead_letters: depth,
});
export type RegionStatus = z.infer<typeof regionStatusSchema>;

const holdStatusSchema = z.object({
  account: z.string(),
  region: z.string(),
  resource: z.string(),
  rule: z.string(),
  by: z.string().optional(),
  reason: z.string().optional(),
  until: z.string().optional(),
});

export const statusSchema = z.object({
  at: timestampSchema,
  name: z.string(),
  account: accountIdSchema,
  home_region: regionSchema,
  module: z.string(),
  rules: z.array(ruleStatusSchema),
  regions: z.array(regionStatusSchema),
  polls_dead_letters: depth.meta({
    description: 'Polls that could not be started, or failed in all attempts.',
  }),
  holds: z.array(holdStatusSchema).meta({
    description:
      'Holds that the command line has written, and any others on accounts, regions, and resources with findings in the last polls.',
  }),
  alarms: z.array(
    z.object({ region: regionSchema, name: z.string(), since: z.string().optional(), says: z.string() }),
  ),
});
export type Status = z.infer<typeof statusSchema>;
