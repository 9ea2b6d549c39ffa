import { isDeepStrictEqual } from 'node:util';
import type { AwsSession } from '../../aws/session.ts';
import { isStart } from '../../changes/automation-execution/is-start.ts';
import { isChangeVisible, leavesTarget, restsOnRemoved } from '../../changes/index.ts';
import type { PlannedFix } from '../planned-fix.ts';
import type { RecentChange } from '../record/recent-changes.ts';
import { retry, type Verdict, verdictOfError, wait, withDetails } from '../verdict.ts';
import type { ConfiguredWork } from '../work.ts';
import type { Planned } from './plan.ts';
import { planAnew } from './plan-anew.ts';
import { isSameTarget } from './same-target.ts';

/**
 * Delays fixes of resources that any rule changed recently until AWS's reads show these changes, so that nothing is
 * changed on the basis of a stale read. Once the changes are visible, the resource is read and planned again, because
 * the first plan may be based on a stale read. The new plan is checked too, because a read can be older than the one
 * before it.
 */
export async function waitForOwnChanges(
  session: AwsSession,
  fixes: readonly PlannedFix[],
  work: ConfiguredWork,
): Promise<Planned> {
  const verdicts = new Map<string, Verdict>();
  const ready: PlannedFix[] = [];
  const changedLately = new Map<
    string,
    { readonly fix: PlannedFix; readonly ours: readonly RecentChange[] }
  >();
  try {
    // The table is read once for all resources.
    await work.recent.load(fixes.flatMap(changedBy));
  } catch (error) {
    for (const { finding, details } of fixes) verdicts.set(finding.resource, retry(error, details));
    return { fixes: [], verdicts };
  }
  // In parallel, so that reads of the same kind share one call.
  const looks = fixes.map(async (fix) => ({ fix, seen: await ownChangesOf(session, changedBy(fix), work) }));
  for (const { fix, seen } of await Promise.all(looks)) {
    if ('state' in seen) verdicts.set(fix.finding.resource, withDetails(seen, fix.details));
    else if (seen.visible.length === 0) ready.push(fix);
    else changedLately.set(fix.finding.resource, { fix, ours: seen.visible });
  }
  const earlier = [...changedLately.values()].map(({ fix }) => fix);
  const anew = await planAnew(session, earlier, work);
  for (const [resource, verdict] of anew.verdicts) verdicts.set(resource, verdict);
  const looksAnew = anew.fixes.map(async (fix) => {
    const before = changedLately.get(fix.finding.resource);
    const asked = new Set(before === undefined ? [] : changedBy(before.fix));
    // The new plan may change different resources from the first one.
    const unasked = changedBy(fix).filter((each) => !asked.has(each));
    return { fix, known: before?.ours ?? [], others: await ownChangesOf(session, unasked, work) };
  });
  for (const { fix, known, others } of await Promise.all(looksAnew)) {
    const { resource } = fix.finding;
    if ('state' in others) {
      verdicts.set(resource, withDetails(others, fix.details));
      continue;
    }
    const ours = [...known, ...others.visible];
    const ending = await endingOf(ours);
    const ended =
      ending.find((change) => restsOnWhatEnded(fix, change) || startsAgainst(fix, change)) ??
      (await removedUnder(fix, ours));
    if (ended === undefined) ready.push(fix);
    else verdicts.set(resource, withDetails(notVisibleYet(ended), fix.details));
  }
  return { fixes: ready, verdicts };
}

/** Selects our changes that modified or removed the rule or entry that they concern. */
async function endingOf(changes: readonly RecentChange[]): Promise<readonly RecentChange[]> {
  const leave = await Promise.all(changes.map(({ change }) => leavesTarget(change)));
  return changes.filter((_, index) => leave[index] === false);
}

/**
 * Checks whether a plan changes something that our own change has already replaced, because it is based on an older
 * read.
 */
function restsOnWhatEnded({ changes }: PlannedFix, { change: made }: RecentChange): boolean {
  // Only rules and entries have an id or number that identifies them.
  return changes.some(
    (planned) =>
      'before' in planned &&
      isSameTarget({ ...planned }, made) &&
      isDeepStrictEqual(planned.before, made['before']),
  );
}

/**
 * Checks whether a plan starts a document for a violation that our own change for the same rule has ended. Such a plan
 * contains no state of the resource that would reveal a stale read.
 */
const startsAgainst = ({ finding, changes }: PlannedFix, { rule }: RecentChange): boolean =>
  rule === finding.rule && changes.some(isStart);

/** Finds our own change that removed something that a plan depends on, because the plan is based on an older read. */
async function removedUnder(
  { changes }: PlannedFix,
  ours: readonly RecentChange[],
): Promise<RecentChange | undefined> {
  for (const each of ours) {
    for (const planned of changes) if (await restsOnRemoved(planned, each.change)) return each;
  }
  return undefined;
}

function notVisibleYet({ change, line, rule, appliedAt }: RecentChange): Verdict {
  return wait(
    `AWS's reads of ${change.resource} do not show yet what ${rule} changed at ${appliedAt} (${line}): nothing is changed until they do`,
  );
}

/**
 * Returns our recent changes to resources if AWS's reads show all of them; a verdict if they do not, or if that is
 * unknown.
 */
async function ownChangesOf(
  session: AwsSession,
  resources: readonly string[],
  work: ConfiguredWork,
): Promise<{ readonly visible: readonly RecentChange[] } | Verdict> {
  try {
    const recent = await work.recent.of(resources);
    const areVisible = await Promise.all(recent.map(({ change }) => isChangeVisible(session, change)));
    const hidden = recent.find((_, index) => areVisible[index] === false);
    return hidden === undefined ? { visible: recent } : notVisibleYet(hidden);
  } catch (error) {
    return verdictOfError(error);
  }
}

function changedBy({ finding, changes }: PlannedFix): string[] {
  return [finding.resource, ...changes.map(({ resource }) => resource)];
}
