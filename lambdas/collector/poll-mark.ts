import { z } from 'zod';
import { timestampSchema } from '../model/finding.ts';
import { pollSchema } from '../model/job.ts';

/** Time at which a rule was last polled to its end; or, before its first poll, since when it should be polled. */
export const pollMarkSchema = z.object({
  version: z.literal(1),
  at: timestampSchema,
  /** The poll that reached its end. */
  poll: pollSchema.optional(),
});
export type PollMark = z.infer<typeof pollMarkSchema>;

/** `polls/<rule>/last.json` */
export function pollMarkKey(rule: string): string {
  return `polls/${rule}/last.json`;
}
