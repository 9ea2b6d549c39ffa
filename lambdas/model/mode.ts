import { z } from 'zod';

/** The modes of a rule in an account, in ascending order of what they allow. */
export const modes = ['off', 'dry_run', 'enforce'] as const;
export const modeSchema = z.enum(modes);
export type Mode = z.infer<typeof modeSchema>;

/** Reports whether a mode changes resources. Holds, limits and the breaker apply to such modes only. */
export function isChanging(mode: Mode): boolean {
  return mode === 'enforce';
}

/** Returns the most restrictive mode, or undefined without modes. */
export function lowestMode(given: readonly Mode[]): Mode | undefined {
  return modes.find((mode) => given.includes(mode));
}

/** Returns the mode of the settings, lowered to what a message asks for. A message can't raise it. */
export function lowerMode(mode: Mode, atMost: Mode | undefined): Mode {
  return lowestMode([mode, atMost ?? mode]) ?? mode;
}
