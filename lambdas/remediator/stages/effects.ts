import { asError } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import type { Effect, Made } from '../../changes/change.ts';
import { effectsOf } from '../../changes/index.ts';
import type { Finding } from '../../model/finding.ts';
import type { Assessment } from '../../rules/rule.ts';
import { conclude, type Verdict, wait } from '../verdict.ts';
import type { Work } from '../work.ts';
import type { Assessments } from './assess.ts';

/** A change that this job made or began for the resource of a finding. */
type MadeFor = Made & { readonly resource: string };

/** AWS's reports on changes, or the error if they can't be read. */
export interface Effects {
  readonly made: readonly MadeFor[];
  readonly found: ReadonlyMap<MadeFor, Effect> | Error;
}

/**
 * Checks in AWS whether the changes that this job made or began for findings have their intended effect. Never throws.
 */
export async function readEffects(
  session: AwsSession,
  findings: readonly Finding[],
  { journal }: Pick<Work, 'journal'>,
): Promise<Effects> {
  const made = findings.flatMap(({ resource }) =>
    madeTo(resource, journal).map((each) => ({ ...each, resource })),
  );
  try {
    return { made, found: await effectsOf(session, made) };
  } catch (thrown) {
    return { made, found: asError(thrown) };
  }
}

/**
 * Determines the verdicts on resources for which a change that this job made or began does not have its intended
 * effect, or for which AWS does not report this yet. If the effects can't be read, the resources get the error. For a
 * resource without a verdict, the assessment alone decides.
 */
export function judgeEffects(
  { made, found }: Effects,
  assessments: Assessments,
): ReadonlyMap<string, Verdict | Error> {
  const verdicts = new Map<string, Verdict | Error>();
  for (const each of made) {
    const { resource } = each;
    const assessment = assessments.get(resource);
    if (!isJudged(assessment)) continue;
    if (found instanceof Error) {
      verdicts.set(resource, found);
      continue;
    }
    const effect = found.get(each);
    if (effect === undefined) continue;
    if (effect.state === 'missing') {
      verdicts.set(resource, conclude('failed', { willRetry: true, reason: effect.words }));
    } else if (assessment.state !== 'violation' && !verdicts.has(resource)) {
      // For a violation, the assessment decides.
      verdicts.set(resource, wait(effect.words));
    }
  }
  return verdicts;
}

/** Checks whether the effects of this job's changes matter for the verdict on a resource. */
export function isJudged(
  assessment: Assessment | Error | undefined,
): assessment is Extract<Assessment, { state: 'violation' | 'compliant' }> {
  if (assessment === undefined || assessment instanceof Error) return false;
  return assessment.state === 'violation' || assessment.state === 'compliant';
}

/** Lists a resource's applied changes and those with an unknown result. */
function madeTo(resource: string, journal: Work['journal']): Made[] {
  const begunAt = journal.begunAt(resource);
  return [
    ...journal.applied(resource).map(({ change, appliedAt }) => ({ change, madeAt: new Date(appliedAt) })),
    ...(begunAt === undefined
      ? []
      : journal.unresolved(resource).map(({ change }) => ({ change, madeAt: begunAt }))),
  ];
}
