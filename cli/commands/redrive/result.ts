import { z } from 'zod';
import { regionSchema } from '../../../lambdas/model/finding.ts';

const letterSchema = z.object({
  queue: z.string(),
  message: z.string().meta({ description: 'The id of the message.' }),
  is: z.enum(['sent back', 'dropped', 'kept']),
  says: z.string().meta({ description: 'What the message was, and why that was done.' }),
});
export type Letter = z.infer<typeof letterSchema>;

export const redriveSchema = z.object({
  regions: z.array(
    z.object({ region: regionSchema, letters: z.array(letterSchema), problem: z.string().optional() }),
  ),
});
export type Redriven = z.infer<typeof redriveSchema>;
