import { SettingsError } from '../model/errors.ts';
import type { Finding } from '../model/finding.ts';
import { isChanging } from '../model/mode.ts';
import { DEFERRED_DAYS, type Settings } from '../model/settings.ts';
import type { Action } from './action.ts';
import { endedExemptions } from './ended-exemptions.ts';
import { askOnce } from './gates/gate.ts';
import { gatesAt } from './gates/index.ts';
import type { Learned } from './learned.ts';
import { blockedByVerdict, modes } from './modes.ts';
import { openAhead, type SessionAhead } from './stages/open-session.ts';
import { clearedBy, readOperatorItems } from './stages/read-operator-items.ts';
import { readSettings } from './stages/read-settings.ts';
import type { Verdict } from './verdict.ts';
import type { ConfiguredWork, Work } from './work.ts';

/** Values for the stages that follow the reading of the settings. */
export interface Configured {
  readonly work: ConfiguredWork;
  readonly action: Action;
  /** The reason why nothing may be changed now although the mode is `enforce`. */
  readonly blockedBy: string | undefined;
  /** The session that was opened ahead, if any. */
  readonly session?: SessionAhead | undefined;
  /** The verdict of the pause, if a pause is the reason. Changes that AWS is still carrying out are then cancelled. */
  readonly paused?: Verdict;
}

/**
 * Reads the settings, and determines what to do with violations.
 * @param learned is updated as soon as the settings are known, so that outcomes contain them even if a later step fails
 * @returns the error if the settings are invalid
 * @throws the error of a gate that can't decide
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
    learnReporting(work.settings, learned);
    learned.endedExemptions = endedExemptions(work.job.findings, new Map(), work);
    work.breaker.judgeBy(work.settings.breaker);
    const verdict = isChanging(work.mode) ? await askOnce(gatesAt('forJob'), pending, work) : undefined;
    const session = verdict === undefined ? openAhead(pending, work) : undefined;
    await readOperatorItems(pending, work);
    learned.cleared = clearedBy(pending, work);
    if (verdict === undefined) return { work, action: modes[work.mode], blockedBy: undefined, session };
    const action = blockedByVerdict(verdict);
    const paused = verdict.details.gate === 'pause' ? { paused: verdict } : {};
    if (!isOnlyPlanned(verdict)) return { work, action, blockedBy: verdict.details.reason, ...paused };
    learned.isOnlyPlanned = true;
    return { work, action, blockedBy: undefined };
  } catch (error) {
    if (error instanceof SettingsError) return error;
    throw error;
  }
}

/**
 * Reads how outcomes are reported, for an attempt that needs no other settings: each finding was concluded by an earlier
 * attempt, or without them. Never throws: if the settings can't be read, every outcome is published rather than none.
 */
export async function configureReporting({ rule, ports }: Work, learned: Learned): Promise<void> {
  try {
    learnReporting(await ports.settings.read(rule.id), learned);
  } catch {
    learned.publishesAll = true;
  }
}

function learnReporting({ allRules }: Settings, learned: Learned): void {
  learned.deferredDays = allRules.deferred_days ?? DEFERRED_DAYS;
  learned.publishesAll = allRules.events === 'all';
}

/** Checks whether a verdict turns the job into a dry run. What an earlier attempt left is taken back nevertheless. */
function isOnlyPlanned(verdict: Verdict): boolean {
  return verdict.state === 'concluded' && verdict.outcome === 'planned';
}
