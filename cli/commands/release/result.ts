import { z } from 'zod';

export const releaseSchema = z.object({
  account: z.string(),
  region: z.string(),
  resource: z.string(),
  rule: z.string(),
});
