import { z } from 'zod';

/** The modes of a rule in an account, from the least to the most that it may do. */
export const modes = ['off', 'dry_run', 'enforce'] as const;
export const modeSchema = z.enum(modes);
export type Mode = z.infer<typeof modeSchema>;

/** Reports whether a mode changes resources. Holds, limits and the breaker are about such modes only. */
export function isChanging(mode: Mode): boolean {
  return mode === 'enforce';
}

/** The most restrictive mode, or undefined without modes. */
export function lowestMode(given: readonly Mode[]): Mode | undefined {
  return modes.find((mode) => given.includes(mode));
}

/** The mode that is left where a message asks for less than the settings allow. It can't ask for more. */
export function lowerMode(mode: Mode, atMost: Mode | undefined): Mode {
  return lowestMode([mode, atMost ?? mode]) ?? mode;
}
