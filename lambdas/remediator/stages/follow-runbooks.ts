import type { AwsSession } from '../../aws/session.ts';
import { isStart } from '../../changes/automation-execution/is-start.ts';
import type { Finding } from '../../model/finding.ts';
import { type Followed, followExecutions, hasLostStarts } from '../runbooks/follow.ts';
import { type Verdict, verdictOfError, wait } from '../verdict.ts';
import type { Work } from '../work.ts';
import { resolveBegun } from './resolve.ts';

/**
 * Looks at the automation executions that were started for findings. Where a start was not answered, it is looked for; what
 * is found is followed by the next look, as this session may not hold what then is to be done.
 */
export async function followRunbooks(
  session: AwsSession,
  findings: readonly Finding[],
  work: Pick<Work, 'journal' | 'recent'>,
): Promise<Followed> {
  const verdicts = new Map<string, Verdict>();
  for (const finding of findings.filter((each) => hasLostStarts([each], work))) {
    const verdict = await findStart(session, finding, work);
    if (verdict !== undefined) verdicts.set(finding.resource, verdict);
  }
  const known = findings.filter(({ resource }) => !verdicts.has(resource));
  const followed = await followExecutions(session, known, work);
  return { ...followed, verdicts: new Map([...followed.verdicts, ...verdicts]) };
}

/** Looks for an execution whose start was not answered. @returns the verdict where it is found, or AWS can't be asked now */
async function findStart(
  session: AwsSession,
  finding: Finding,
  work: Pick<Work, 'journal' | 'recent'>,
): Promise<Verdict | undefined> {
  try {
    await resolveBegun(session, finding, work, { only: isStart });
  } catch (error) {
    return verdictOfError(error);
  }
  if (hasLostStarts([finding], work)) return undefined;
  const { executionId, document } = work.journal.execution(finding.resource) ?? {};
  return wait(`execution ${executionId} of ${document} was started, though no answer said so`);
}
