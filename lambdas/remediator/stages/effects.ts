import type { AwsSession } from '../../aws/session.ts';
import type { Made } from '../../changes/change.ts';
import { effectsOf } from '../../changes/index.ts';
import type { Finding } from '../../model/finding.ts';
import { conclude, type Verdict, wait } from '../verdict.ts';
import type { Work } from '../work.ts';
import type { Assessments } from './assess.ts';

/**
 * The verdicts on resources of which a change that this job made, or began, does not do what it is for, or AWS can't say
 * yet; the error if that can't be found out. None if nothing speaks against it: then the assessment alone decides.
 */
export async function verdictsOfEffects(
  session: AwsSession,
  findings: readonly Finding[],
  assessments: Assessments,
  { journal }: Pick<Work, 'journal'>,
): Promise<ReadonlyMap<string, Verdict | Error>> {
  const verdicts = new Map<string, Verdict | Error>();
  const made = findings.flatMap(({ resource }) => {
    const isViolation = stateOf(assessments, resource) === 'violation';
    if (!isViolation && stateOf(assessments, resource) !== 'compliant') return [];
    return madeTo(resource, journal).map((each) => ({ ...each, resource, isViolation }));
  });
  try {
    const effects = await effectsOf(session, made);
    for (const each of made) {
      const { resource, isViolation } = each;
      const effect = effects.get(each);
      if (effect === undefined) continue;
      if (effect.state === 'missing') {
        verdicts.set(resource, conclude('failed', { willRetry: true, reason: effect.words }));
      } else if (!isViolation && !verdicts.has(resource)) {
        // Of a violation, the assessment says more.
        verdicts.set(resource, wait(effect.words));
      }
    }
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
    for (const { resource } of made) verdicts.set(resource, error);
  }
  return verdicts;
}

function stateOf(assessments: Assessments, resource: string): string | undefined {
  const assessment = assessments.get(resource);
  return assessment instanceof Error ? undefined : assessment?.state;
}

/** Lists applied changes, and those with an unknown result. */
function madeTo(resource: string, journal: Work['journal']): Made[] {
  const begunAt = journal.begunAt(resource);
  return [
    ...journal.applied(resource).map(({ change, appliedAt }) => ({ change, madeAt: new Date(appliedAt) })),
    ...(begunAt === undefined
      ? []
      : journal.unresolved(resource).map(({ change }) => ({ change, madeAt: begunAt }))),
  ];
}
