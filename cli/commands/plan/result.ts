import { z } from 'zod';
import { accountIdSchema, ruleIdSchema } from '../../../lambdas/model/finding.ts';
import { modeSchema } from '../../../lambdas/model/mode.ts';
import { outcomeNameSchema } from '../../../lambdas/model/outcome-names.ts';
import { polledSchema } from '../poll/result.ts';

const count = z.int().nonnegative();

export const plannedSchema = z.object({
  rule: ruleIdSchema,
  account: accountIdSchema,
  account_name: z.string().optional(),
  region: z.string(),
  resource: z.string(),
  outcome: outcomeNameSchema.meta({ description: '`planned` if something would be changed.' }),
  reason: z.string().optional(),
  mode_now: modeSchema.optional().meta({ description: 'The current mode there.' }),
  changes: z.array(z.string()),
  evidence: z.string(),
});
export type Planned = z.infer<typeof plannedSchema>;

export const planSchema = z.object({
  polls: z.array(polledSchema),
  findings: z.array(plannedSchema),
  counts: z.object({
    resources: count.meta({ description: 'Findings whose resources would be changed.' }),
    changes: count,
    accounts: count,
    outcomes: z.partialRecord(outcomeNameSchema, count),
  }),
});
export type Plan = z.infer<typeof planSchema>;
