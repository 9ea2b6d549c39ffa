import { z } from 'zod';
import {
  accountIdSchema,
  regionSchema,
  ruleIdSchema,
  timestampSchema,
} from '../../../lambdas/model/finding.ts';

const undoneFixSchema = z.object({
  rule: ruleIdSchema,
  account: accountIdSchema,
  region: z.string(),
  resource: z.string(),
  fixed_at: timestampSchema,
  undoes: z.string().meta({ description: 'The key of the evidence of the fix.' }),
  changes: z.array(z.string()).meta({ description: 'The changes that restore it, in order.' }),
  not_given_back: z.array(z.string()).meta({ description: 'What an undo cannot restore.' }),
  is: z.enum(['undone', 'undo_refused', 'waiting', 'not begun']).meta({
    description:
      '`waiting`: AWS is still working on it. `not begun`: no remediator began it before the command stopped waiting.',
  }),
  reason: z.string().optional(),
  evidence: z.string().optional().meta({ description: 'The key of the evidence of the undo.' }),
});
export type UndoneFix = z.infer<typeof undoneFixSchema>;

export const undoSchema = z.object({
  requests: z.array(
    z.object({ id: z.string(), principal: z.string(), account: accountIdSchema, region: regionSchema }),
  ),
  held: z.array(z.string()).meta({ description: 'The resources that are held from now on.' }),
  fixes: z.array(undoneFixSchema),
});
export type Undone = z.infer<typeof undoSchema>;
