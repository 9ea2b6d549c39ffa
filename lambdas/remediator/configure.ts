import { SettingsError } from '../model/errors.ts';
import type { Finding } from '../model/finding.ts';
import { DEFERRED_DAYS } from '../model/settings.ts';
import type { Action } from './action.ts';
import { endedExemptions } from './ended-exemptions.ts';
import { breakerOpen } from './gates/breaker.ts';
import { askGates } from './gates/gate.ts';
import { gates } from './gates/index.ts';
import type { Learned } from './learned.ts';
import { blockedByVerdict, modes } from './modes.ts';
import { readSettings } from './stages/read-settings.ts';
import type { Verdict } from './verdict.ts';
import type { ConfiguredWork, Work } from './work.ts';

/** Values that the stages after the settings work with. */
export interface Configured {
  readonly work: ConfiguredWork;
  readonly action: Action;
  /** Reason why nothing may be changed now although the mode is `enforce`. */
  readonly blockedBy: string | undefined;
}

/**
 * Reads the settings and chooses what is done about violations.
 * @returns the error where settings can't be used
 * @throws what a gate throws that can't find out
 */
export async function configure(
  pending: readonly Finding[],
  job: Work,
  learned: Learned,
): Promise<Configured | SettingsError> {
  try {
    const work = await readSettings(job);
    learned.mode = work.mode;
    learned.settingsVersions = work.settings.versions;
    learned.deferredDays = work.settings.allRules.deferred_days ?? DEFERRED_DAYS;
    learned.publishesAll = work.settings.allRules.events === 'all';
    learned.endedExemptions = endedExemptions(work.job.findings, new Map(), work);
    const blockedBy = await blockedNow(pending, work);
    if (blockedBy !== undefined) {
      return { work, action: blockedByVerdict(blockedBy), blockedBy: blockedBy.details.reason };
    }
    if (work.mode === 'enforce') await work.breaker.load(work.settings.breaker);
    const open = work.mode === 'enforce' ? breakerOpen(work) : undefined;
    if (open === undefined) return { work, action: modes[work.mode], blockedBy: undefined };
    learned.mode = 'dry_run';
    return { work, action: blockedByVerdict(open), blockedBy: undefined };
  } catch (error) {
    if (error instanceof SettingsError) return error;
    throw error;
  }
}

/** Finds what stands against changing anything now: it is no reason of one finding, so one is asked for all. */
async function blockedNow([finding]: readonly Finding[], work: ConfiguredWork): Promise<Verdict | undefined> {
  if (work.mode !== 'enforce' || finding === undefined) return undefined;
  return askGates(gates.beforeChanging, finding, work);
}
