import { z } from 'zod';
import { breakerSettingsSchema } from '../../../lambdas/model/breaker-settings.ts';
import {
  accountIdSchema,
  findingSchema,
  ruleIdSchema,
  timestampSchema,
} from '../../../lambdas/model/finding.ts';
import { jsonSchema } from '../../../lambdas/model/json.ts';
import { limitsSchema } from '../../../lambdas/model/limits.ts';
import { modeSchema } from '../../../lambdas/model/mode.ts';
import { outcomeNameSchema } from '../../../lambdas/model/outcome-names.ts';

const changeSchema = z.object({
  line: z.string(),
  at: timestampSchema,
  request_ids: z.array(z.string()),
  found: z
    .boolean()
    .meta({ description: "True if AWS's answer was lost, and a later read showed the change." }),
});

const settingsSchema = z.object({
  mode: modeSchema,
  because: z.array(z.string()).meta({ description: 'The settings that determined the mode.' }),
  method: z.enum(['api', 'runbook']),
  maintenance_window: z.string().optional(),
  limits: limitsSchema,
  breaker: breakerSettingsSchema,
  options: z.record(z.string(), jsonSchema).meta({ description: "The rule's options that are set." }),
  defaults: z.array(z.string()).meta({
    description:
      "The names of the settings above that have their default values. The mode's origin is in `because`; the others come from the rule's object, in which Terraform merges the rule's own settings with those of all rules.",
  }),
  versions: z
    .object({ rule: z.string(), accounts: z.string() })
    .meta({ description: 'Versions of the objects in the settings bucket.' }),
});

const obstacleSchema = z.object({
  gate: z.string().meta({ description: 'As in outcomes: hold, pause, limit, …' }),
  says: z.string(),
  until: z.string().optional(),
  remedy: z.string().optional().meta({ description: 'What ends it.' }),
});
export type Obstacle = z.infer<typeof obstacleSchema>;

const explainedSchema = z.object({
  rule: ruleIdSchema,
  account: accountIdSchema,
  region: z.string(),
  resource: z.string(),
  state: z.object({
    outcome: outcomeNameSchema,
    reason: z.string().optional(),
    since: timestampSchema,
    first_seen: timestampSchema,
    last_seen: timestampSchema.meta({
      description: 'At most a week old while Netskope reports the finding.',
    }),
    attempts: z.int().nonnegative(),
  }),
  source: findingSchema
    .optional()
    .meta({ description: 'What Netskope last reported about it, if the evidence contains it.' }),
  settings: settingsSchema.optional(),
  settings_problem: z.string().optional().meta({ description: 'Why the settings are not valid.' }),
  against: z
    .array(obstacleSchema)
    .meta({ description: 'Everything that prevents a change now, in the order in which it is checked.' }),
  next_poll: z.object({
    at: timestampSchema.optional(),
    schedule: z.string().optional(),
    does: z.string(),
  }),
  history: z
    .array(
      z.object({
        outcome: outcomeNameSchema,
        at: timestampSchema,
        reason: z.string().optional(),
        session: z.string().meta({ description: 'The name of the sessions in the account, for CloudTrail.' }),
        changes: z.array(changeSchema),
        unconfirmed: z.array(z.string()),
        evidence: z.string(),
      }),
    )
    .meta({ description: 'The last changes of its outcome. Oldest first.' }),
});
export type ExplainedFinding = z.infer<typeof explainedSchema>;

export const explanationSchema = z.object({
  asked: z.string(),
  resource: z.string(),
  findings: z.array(explainedSchema),
  changed_lately: z
    .array(
      changeSchema.extend({
        account: accountIdSchema,
        region: z.string(),
        rule: z.string(),
        job: z.string().optional(),
      }),
    )
    .meta({ description: 'Changes to this resource in the last 30 days, by any rule.' }),
  is_ours: z.boolean().meta({ description: 'False if there is no record of a change by this deployment.' }),
  sessions: z
    .object({
      role: z.string().meta({ description: 'The role in the account.' }),
      names: z.array(z.string()).meta({
        description:
          'The names of the recent sessions there, if any. This deployment made no calls outside of these sessions.',
      }),
      pattern: z.string(),
    })
    .meta({ description: 'What to look for in CloudTrail.' }),
});
export type Explanation = z.infer<typeof explanationSchema>;
