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
  not_restored: z.array(z.string()).meta({ description: 'What an undo cannot restore.' }),
  is: z
    .enum([
      'undone',
      'undo_refused',
      'waiting',
      'begun',
      'not begun',
      'not submitted',
      'perhaps submitted',
      'unknown',
    ])
    .meta({
      description:
        '`waiting`: AWS is still working on it. `begun`: a remediator had begun, but not finished it, when the command stopped waiting. `not begun`: no remediator had begun it by then. `not submitted`: it will not be undone. `perhaps submitted`: the request may have been listed, because AWS did not answer, but its message was not sent. `unknown`: it was submitted, but its result could not be read.',
    }),
  reason: z.string().optional(),
  evidence: z.string().optional().meta({ description: 'The key of the evidence of the undo.' }),
});
export type UndoneFix = z.infer<typeof undoneFixSchema>;

export const undoSchema = z.object({
  requests: z.array(
    z.object({
      id: z.string(),
      principal: z.string(),
      account: accountIdSchema,
      region: regionSchema,
      problem: z.string().optional().meta({
        description:
          'Why it was not submitted, or begins later than usual: a request that is listed remains, even if an error follows.',
      }),
    }),
  ),
  held: z.array(z.string()).meta({ description: 'The resources on which the command put a hold.' }),
  held_before: z.array(z.string()).meta({
    description: 'The resources whose earlier hold lasts at least as long; it remains as it is.',
  }),
  fixes: z.array(undoneFixSchema),
});
export type Undone = z.infer<typeof undoSchema>;
