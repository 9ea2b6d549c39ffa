import { z } from 'zod';

export const holdSchema = z.object({
  account: z.string(),
  region: z.string().meta({ description: '`*`: all regions.' }),
  resource: z.string().meta({ description: '`*`: everything there.' }),
  rule: z.string().meta({ description: '`*`: all rules.' }),
  by: z.string(),
  reason: z.string(),
  until: z.iso.date().optional(),
});
