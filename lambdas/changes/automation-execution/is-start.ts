import type { Change } from '../change.ts';

/** Checks whether a change starts an automation execution. */
export function isStart({ kind }: Change): boolean {
  return kind === 'automation-execution-start';
}
