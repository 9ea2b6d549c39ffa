import type { AwsSession } from '../../aws/session.ts';
import { effectOf } from '../../changes/index.ts';
import type { Finding } from '../../model/finding.ts';
import type { Assessment } from '../../rules/rule.ts';
import { conclude, type Verdict, wait } from '../verdict.ts';
import type { Work } from '../work.ts';

/**
 * The verdict on a resource of which a change that this job made, or began, does not do what it is for, or AWS can't say yet.
 * Undefined where nothing speaks against it: then the assessment alone decides.
 */
export async function verdictOfEffects(
  session: AwsSession,
  { resource }: Finding,
  { state }: Assessment,
  { journal }: Pick<Work, 'journal'>,
): Promise<Verdict | undefined> {
  if (state !== 'compliant' && state !== 'violation') return undefined;
  let open: Verdict | undefined;
  for (const { change, madeAt } of madeTo(resource, journal)) {
    const effect = await effectOf(session, change, madeAt);
    if (effect?.state === 'missing') return conclude('failed', { willRetry: true, reason: effect.words });
    // Of a violation, the assessment says more.
    if (effect?.state === 'open' && state === 'compliant') open ??= wait(effect.words);
  }
  return open;
}

/** What was applied, and what was begun and nobody knows whether it was made. */
function madeTo(resource: string, journal: Work['journal']) {
  const begunAt = journal.begunAt(resource);
  return [
    ...journal.applied(resource).map(({ change, appliedAt }) => ({ change, madeAt: new Date(appliedAt) })),
    ...(begunAt === undefined
      ? []
      : journal.unresolved(resource).map(({ change }) => ({ change, madeAt: begunAt }))),
  ];
}
