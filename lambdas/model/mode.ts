import { z } from 'zod';

/** What a rule may do in an account, from the least to the most. */
export const modes = ['off', 'dry_run', 'enforce'] as const;
export const modeSchema = z.enum(modes);
export type Mode = z.infer<typeof modeSchema>;

/** The mode that is left where a message asks for less than the settings allow. It can't ask for more. */
export function lowerMode(mode: Mode, atMost: Mode | undefined): Mode {
  if (atMost === undefined) return mode;
  return modes.indexOf(atMost) < modes.indexOf(mode) ? atMost : mode;
}
