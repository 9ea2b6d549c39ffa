import { isDeepStrictEqual } from 'node:util';
import pLimit from 'p-limit';
import { decideMode } from '../../../lambdas/model/account-modes.ts';
import { defaultBreaker } from '../../../lambdas/model/breaker-settings.ts';
import { SettingsError } from '../../../lambdas/model/errors.ts';
import { findingKey, remediatorRegion } from '../../../lambdas/model/finding.ts';
import { pollId } from '../../../lambdas/model/job.ts';
import { defaultLimits } from '../../../lambdas/model/limits.ts';
import { describeWindow } from '../../../lambdas/model/maintenance-window.ts';
import type { Outcome } from '../../../lambdas/model/outcome.ts';
import type { Settings } from '../../../lambdas/model/settings.ts';
import type { FindingItem } from '../../../lambdas/model/table-items.ts';
import type { Context } from '../../context.ts';
import { OBJECTS_AT_ONCE } from '../../deployed/evidence.ts';
import type { Opened } from '../../deployed/index.ts';
import { linesOfPoll } from '../../deployed/outcomes.ts';
import { doesNext, nextPollOf } from '../../findings/next-poll.ts';
import { obstaclesOf } from '../../findings/obstacles.ts';
import { lastPollOf } from '../status/rule.ts';
import { changeOf } from './change.ts';
import type { ExplainedFinding } from './result.ts';

/** Explains one finding. */
export async function explainFinding(
  context: Context,
  opened: Opened,
  item: FindingItem,
): Promise<ExplainedFinding> {
  const [settings, history, last, next] = await Promise.all([
    settingsOf(opened, item.rule),
    historyOf(opened, item),
    lastLineOf(opened, item),
    nextPollOf(context, opened, item.rule),
  ]);
  const source = last?.finding ?? history.at(-1)?.line?.finding;
  const usable = settings instanceof SettingsError ? undefined : settings;
  const changed = [...(last?.plan ?? []), ...(last?.applied ?? [])].map(({ change }) => change.resource);
  const against =
    usable === undefined
      ? []
      : await obstaclesOf({ context, opened, settings: usable, finding: item, item, source, changed });
  const { rule, account, region, resource } = item;
  return {
    rule,
    account,
    region,
    resource,
    state: stateOf(item),
    source,
    ...(usable === undefined
      ? { settings_problem: settings instanceof Error ? settings.message : undefined }
      : { settings: describeSettings(usable, account, context.now()) }),
    against,
    next_poll: {
      at: next.at,
      schedule: next.schedule,
      does: next.problem ?? whatComes(item, usable, against),
    },
    history: history.map(({ line: _, ...entry }) => entry),
  };
}

function whatComes(
  { outcome }: FindingItem,
  settings: Settings | undefined,
  against: Parameters<typeof doesNext>[0],
): string {
  if (settings === undefined) return 'It changes nothing: the settings of the rule are not valid.';
  const does = doesNext(against);
  return outcome === 'closed'
    ? `Netskope no longer reports the finding. If it is reported again: ${does}`
    : does;
}

function stateOf({
  outcome,
  reason,
  since,
  firstSeen,
  lastSeen,
  attempts,
}: FindingItem): ExplainedFinding['state'] {
  return { outcome, reason, since, first_seen: firstSeen, last_seen: lastSeen, attempts };
}

async function settingsOf({ settings }: Opened, rule: string): Promise<Settings | SettingsError> {
  try {
    return await settings.of(rule);
  } catch (error) {
    if (error instanceof SettingsError) return error;
    throw error;
  }
}

function describeSettings(settings: Settings, account: string, now: Date): ExplainedFinding['settings'] {
  const { method, limits, breaker, options, versions, maintenance_window: window } = settings;
  const { mode, because } = decideMode(settings, account, now);
  const isDefault = {
    method: method === 'api',
    maintenance_window: window === undefined,
    limits: isDeepStrictEqual(limits, defaultLimits),
    breaker: isDeepStrictEqual(breaker, defaultBreaker),
    options: Object.keys(options).length === 0,
  };
  return {
    mode,
    because: [...because],
    method,
    maintenance_window: window && describeWindow(window),
    limits,
    breaker,
    options,
    defaults: Object.entries(isDefault).flatMap(([name, is]) => (is ? name : [])),
    versions,
  };
}

type HistoryEntry = ExplainedFinding['history'][number] & { readonly line: Outcome | undefined };

/** The changes of a finding's outcome, each with the content of its line of evidence. */
async function historyOf({ evidence }: Opened, item: FindingItem): Promise<HistoryEntry[]> {
  return pLimit(OBJECTS_AT_ONCE).map(item.changes, async (change): Promise<HistoryEntry> => {
    const lines = (await evidence.outcomes(change.evidence)) ?? [];
    const line = lines.find(({ finding }) => findingKey(finding) === findingKey(item));
    return {
      outcome: change.outcome,
      at: change.at,
      reason: line?.reason,
      session: pollId(change.poll),
      changes: (line?.applied ?? []).map(changeOf),
      unconfirmed: (line?.unconfirmed ?? []).map((each) => each.line),
      evidence: change.evidence,
      line,
    };
  });
}

/** The finding's line of evidence from the rule's last complete poll, with the latest report of its source. */
async function lastLineOf(opened: Opened, item: FindingItem): Promise<Outcome | undefined> {
  const poll = await lastPollOf(opened, item.rule);
  if (poll === undefined) return undefined;
  const region = remediatorRegion(item.region, opened.deployment.home_region);
  const lines = await linesOfPoll(opened, poll.poll, [{ account: item.account, region }]);
  return lines.find(({ outcome }) => findingKey(outcome.finding) === findingKey(item))?.outcome;
}
