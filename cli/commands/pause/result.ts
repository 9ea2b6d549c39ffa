import { z } from 'zod';
import { regionSchema } from '../../../lambdas/model/finding.ts';

export const pauseSchema = z.object({
  regions: z.array(
    z.object({
      region: regionSchema,
      pause: z
        .string()
        .optional()
        .meta({ description: 'The current value of the pause parameter; missing if it could not be set.' }),
      before: z.string().optional(),
      problem: z.string().optional(),
    }),
  ),
});
export type Paused = z.infer<typeof pauseSchema>;
