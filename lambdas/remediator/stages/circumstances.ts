import type { AwsSession } from '../../aws/session.ts';
import type { Finding } from '../../model/finding.ts';
import type { AppliedChange, RecordedChange } from '../../model/outcome.ts';
import { IN_PART } from '../record/in-part.ts';
import { isLagOver } from '../record/recent-changes.ts';
import type { ConfiguredWork } from '../work.ts';
import { isSameTarget } from './same-target.ts';

/** Collects the known changes to a resource, from which the unknown result of one of its changes is determined. */
export async function circumstances(
  session: AwsSession,
  finding: Finding,
  planned: RecordedChange,
  { journal, recent, ports }: Pick<ConfiguredWork, 'journal' | 'recent' | 'ports'>,
) {
  const { resource } = finding;
  const { line } = planned;
  const isRival = ({ change }: RecordedChange): boolean => isSameTarget(change, planned.change);
  const plan = new Set(journal.planned(resource).map((each) => each.line));
  // The plan's applied changes count, except those that this change was meant to replace.
  const whole = journal
    .applied(resource)
    .filter(
      (each) => plan.has(each.line) && (!isRival(each) || journal.isBegunAfter(resource, each.line, line)),
    );
  const start = journal.startOf(session.now());
  const byOthers = await recent.byOthers(planned.change.resource, start);
  const isSinceStart = ({ appliedAt }: AppliedChange): boolean => Date.parse(appliedAt) >= start.getTime();
  const wholeByOthers = byOthers.filter(
    (each) =>
      !each.line.endsWith(IN_PART) &&
      (journal.isByOtherSince(resource, line, each) !== false || (!isRival(each) && isSinceStart(each))),
  );
  const others = [...whole, ...wholeByOthers];
  const since = [
    ...journal.appliedSince(resource, line),
    ...byOthers.filter((each) => journal.isByOtherSince(resource, line, each) === true),
  ];
  const begun = journal.unresolved(resource).filter((each) => each.line !== line && isRival(each));
  const isLater = (each: RecordedChange): boolean => journal.isBegunAfter(resource, each.line, line);
  const begunAt = journal.begunAt(resource);
  return {
    isLagOver: isLagOver(begunAt?.getTime() ?? 0, ports.clock.now()),
    isBegunAnew: begun.some(isLater),
    isBegunBefore: begun.some((each) => !isLater(each)),
    isSuperseded: others.some(isRival),
    others: others.map(({ change }) => change),
    since: since.map(({ change }) => change),
  };
}
