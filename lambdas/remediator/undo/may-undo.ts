import { OutOfTimeError, SettingsError } from '../../model/errors.ts';
import { resumeCommand } from '../../model/operator-commands.ts';
import { parsePause, stoppedBy } from '../../model/pause.ts';
import { ruleIds } from '../../rules/index.ts';
import { refuse, type UndoVerdict } from './undo-verdict.ts';
import type { UndoWork } from './undo-work.ts';

/** Time that is reserved for reading back and recording a fix's undo. */
export const RESERVED_MILLISECONDS = 45_000;

/**
 * Checks whether undo is allowed now. Maintenance windows, limits, breakers, and all pauses except `all+undo` do not
 * prevent it.
 * @returns undefined if it is allowed; otherwise the verdict
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

/** Lists the declared rules, which have no code but may be named in a pause. Empty if the settings are invalid. */
async function declaredRules(
  rule: string,
  { settings }: Pick<UndoWork['ports'], 'settings'>,
): Promise<readonly string[]> {
  try {
    return (await settings.read(rule)).allRules.declared_rules ?? [];
  } catch (error) {
    // A fix can be undone even if its rule is no longer configured.
    if (error instanceof SettingsError) return [];
    throw error;
  }
}
