import type { AwsSession } from '../../aws/session.ts';
import { effectOf } from '../../changes/index.ts';
import type { Finding } from '../../model/finding.ts';
import type { Assessment } from '../../rules/rule.ts';
import { conclude, type Verdict, wait } from '../verdict.ts';
import type { Work } from '../work.ts';

/**
 * The verdict on a resource of which a change that this job applied does not do what it is for, or AWS can't say yet.
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
  for (const { change, appliedAt } of journal.applied(resource)) {
    const effect = await effectOf(session, change, new Date(appliedAt));
    if (effect?.state === 'missing') return conclude('failed', { willRetry: true, reason: effect.words });
    // Of a violation, the assessment says more.
    if (effect?.state === 'open' && state === 'compliant') open ??= wait(effect.words);
  }
  return open;
}
