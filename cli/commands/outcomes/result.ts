import { z } from 'zod';
import { accountIdSchema, ruleIdSchema, timestampSchema } from '../../../lambdas/model/finding.ts';
import { modeSchema } from '../../../lambdas/model/mode.ts';
import { holdingGateSchema } from '../../../lambdas/model/outcome.ts';
import { outcomeNameSchema } from '../../../lambdas/model/outcome-names.ts';

export const outcomeRowSchema = z.object({
  at: timestampSchema.meta({ description: 'The time of the last of these outcomes.' }),
  first_at: timestampSchema.meta({ description: 'The time of the first of them.' }),
  polls: z
    .int()
    .positive()
    .meta({ description: 'The number of consecutive polls with this outcome; 1 for an undo.' }),
  rule: ruleIdSchema,
  account: accountIdSchema,
  region: z.string(),
  resource: z.string(),
  outcome: outcomeNameSchema,
  reason: z.string().optional(),
  gate: holdingGateSchema.optional(),
  mode: modeSchema.optional(),
  changes: z.array(z.string()).meta({ description: 'What was changed, one line per change.' }),
  request_ids: z.array(z.string()).meta({ description: 'AWS request ids of these changes, for CloudTrail.' }),
  unconfirmed: z.array(z.string()).optional().meta({
    description: 'Changes that may have been made: docs/operations.md, "Find out what is unconfirmed".',
  }),
  undo: z
    .object({ by: z.string(), reason: z.string() })
    .optional()
    .meta({ description: 'Only in the result of an undo: who requested it, and why.' }),
  session: z.string().meta({ description: 'The name of the sessions of the last poll, for CloudTrail.' }),
  evidence: z
    .string()
    .meta({ description: 'The key of the object in the evidence bucket with the last line.' }),
});
export type OutcomeRow = z.infer<typeof outcomeRowSchema>;

export const outcomesSchema = z.object({
  since: timestampSchema,
  outcomes: z.array(outcomeRowSchema),
});
