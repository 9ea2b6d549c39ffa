import type { AwsSession } from '../../aws/session.ts';
import type { Finding } from '../../model/finding.ts';
import { readingOf } from '../reading.ts';
import { type Verdicts, wait } from '../verdict.ts';
import type { ConfiguredWork } from '../work.ts';
import { assessEach } from './assess.ts';
import { planFixes } from './plan.ts';

/**
 * Reads resources again after partial changes to them were taken back, and updates the verdicts. A finding that still
 * needs a fix keeps its verdict, unless the verdict was that no fix is needed: one of the two reads is then stale, and
 * a later job checks again.
 */
export async function stateAnew(
  session: AwsSession,
  findings: readonly Finding[],
  fixed: ReadonlySet<string>,
  work: ConfiguredWork,
): Promise<Verdicts> {
  if (findings.length === 0) return new Map();
  const resources = findings.map(({ resource }) => resource);
  const assessments = await assessEach(work.rule, session, resources, work.settings.options);
  const anew = await planFixes(session, findings, assessments, work, new Map(), readingOf(session, work));
  const verdicts = new Map(anew.verdicts);
  for (const { finding, details } of anew.fixes) {
    const { resource } = finding;
    if (fixed.has(resource)) verdicts.set(resource, wait(`AWS's reads of ${resource} disagree`, details));
  }
  return verdicts;
}
