import { z } from 'zod';
import { accountIdSchema, ruleIdSchema, timestampSchema } from '../../../lambdas/model/finding.ts';
import { pauseSchema } from '../pause/result.ts';

const breakersSchema = z.object({
  closed: z.array(
    z.object({
      rule: ruleIdSchema,
      account: accountIdSchema,
      at: timestampSchema,
      by: z.string(),
      reason: z.string(),
    }),
  ),
});

export const resumeSchema = z.union([pauseSchema, breakersSchema]);
