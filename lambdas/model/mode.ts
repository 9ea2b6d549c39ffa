import { z } from 'zod';

/** What a rule may do in an account, from the least to the most. */
export const modes = ['off', 'dry_run', 'enforce'] as const;
export const modeSchema = z.enum(modes);
export type Mode = z.infer<typeof modeSchema>;

/** The mode that allows the least, or undefined where none is given. */
export function lowestMode(given: readonly Mode[]): Mode | undefined {
  return modes.find((mode) => given.includes(mode));
}

/** The mode that is left where a message asks for less than the settings allow. It can't ask for more. */
export function lowerMode(mode: Mode, atMost: Mode | undefined): Mode {
  return lowestMode([mode, atMost ?? mode]) ?? mode;
}
