import { z } from 'zod';
import { timestampSchema } from '../../../lambdas/model/finding.ts';

export const retrySchema = z.object({
  account: z.string(),
  region: z.string(),
  resource: z.string(),
  at: timestampSchema.meta({ description: 'Findings that failed before this time are attempted again.' }),
  by: z.string(),
  reason: z.string(),
});
