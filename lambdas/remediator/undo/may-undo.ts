import { OutOfTimeError, SettingsError } from '../../model/errors.ts';
import { resumeCommand } from '../../model/operator-commands.ts';
import { parsePause, stoppedBy } from '../../model/pause.ts';
import { ruleIds } from '../../rules/index.ts';
import { refuse, type UndoVerdict } from './undo-verdict.ts';
import type { UndoWork } from './undo-work.ts';

/** The time that reading back and recording a fix's undo take at most. */
export const RESERVED_MILLISECONDS = 45_000;

/**
 * Asks whether anything may be undone now. Neither a maintenance window nor a limit nor a breaker stands against it, and of
 * pauses `all+undo` alone.
 * @returns the verdict where it may not
 */
export async function mayUndo(
  rule: string,
  { request, attempt, ports }: Pick<UndoWork, 'request' | 'attempt' | 'ports'>,
): Promise<Extract<UndoVerdict, { is: 'undo_refused' | 'retry' }> | undefined> {
  if (attempt.remainingMilliseconds() < RESERVED_MILLISECONDS) {
    const error = new OutOfTimeError('the function had too little time left to undo more');
    return { is: 'retry', error };
  }
  const { account, region } = request;
  try {
    const pause = parsePause(await ports.settings.pause(), [
      ...ruleIds,
      ...(await declaredRules(rule, ports)),
    ]);
    if (stoppedBy(pause, 'undo', { rule, account }) === undefined) return undefined;
    const reason = `undo is paused in ${region} (all+undo) until an operator ends the pause: ${resumeCommand(region)}. To allow undos only, pause again without --undo afterwards`;
    return { ...refuse(reason), gate: 'pause' };
  } catch (error) {
    if (error instanceof SettingsError) return { ...refuse(error.message), gate: 'settings' };
    return { is: 'retry', error };
  }
}

/** Lists the rules that are declared and not coded, which a pause may name. None if settings can't be used. */
async function declaredRules(
  rule: string,
  { settings }: Pick<UndoWork['ports'], 'settings'>,
): Promise<readonly string[]> {
  try {
    return (await settings.read(rule)).allRules.declared_rules ?? [];
  } catch (error) {
    // A fix is undone also where its rule is no longer set up.
    if (error instanceof SettingsError) return [];
    throw error;
  }
}
