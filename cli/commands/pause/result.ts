import { z } from 'zod';
import { regionSchema } from '../../../lambdas/model/finding.ts';

export const pauseSchema = z.object({
  regions: z.array(
    z.object({
      region: regionSchema,
      pause: z
        .string()
        .optional()
        .meta({ description: 'Content of the pause parameter now; missing where it could not be set.' }),
      before: z.string().optional(),
      problem: z.string().optional(),
    }),
  ),
});
export type Paused = z.infer<typeof pauseSchema>;
