import { z } from 'zod';
import { ruleIdSchema, timestampSchema } from '../../../lambdas/model/finding.ts';
import { outcomeNameSchema } from '../../../lambdas/model/outcome-names.ts';
import { outcomeRowSchema } from '../outcomes/result.ts';

const count = z.int().nonnegative();

export const polledSchema = z.object({
  rule: ruleIdSchema,
  problem: z.string().optional().meta({ description: 'Why the poll failed.' }),
  as_of: timestampSchema.optional(),
  session: z.string().optional().meta({ description: 'The name of its sessions, for CloudTrail.' }),
  findings: count.optional().meta({ description: 'Findings in jobs.' }),
  skipped: count
    .optional()
    .meta({ description: 'Findings left to the next poll, because the last jobs there are still pending.' }),
  left_to_source: count.optional(),
  unprocessable: count.optional(),
  outcomes: z
    .partialRecord(outcomeNameSchema, count)
    .optional()
    .meta({ description: 'With --wait: findings by outcome.' }),
  without_outcome: count.optional().meta({ description: 'With --wait: findings that have none yet.' }),
});
export type Polled = z.infer<typeof polledSchema>;

export const pollsSchema = z.object({
  polls: z.array(polledSchema),
  outcomes: z.array(outcomeRowSchema).optional().meta({ description: 'With --wait.' }),
});
