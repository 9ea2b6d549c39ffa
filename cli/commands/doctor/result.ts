import { z } from 'zod';
import { timestampSchema } from '../../../lambdas/model/finding.ts';

export const checkSchema = z.object({
  check: z.string(),
  place: z.string().meta({ description: 'A region, an account in a region, a rule, …' }),
  is: z
    .enum(['ok', 'attention', 'unknown'])
    .meta({ description: '`unknown`: the caller lacks the permissions for the check.' }),
  says: z.string(),
  remedy: z.string().optional().meta({ description: 'What to do.' }),
});
export type Check = z.infer<typeof checkSchema>;

export const doctorSchema = z.object({ at: timestampSchema, name: z.string(), checks: z.array(checkSchema) });
