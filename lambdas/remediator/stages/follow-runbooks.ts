import type { AwsSession } from '../../aws/session.ts';
import { isStart } from '../../changes/automation-execution/is-start.ts';
import type { Finding } from '../../model/finding.ts';
import { type Followed, followExecutions, hasLostStarts } from '../runbooks/follow.ts';
import { type Verdict, verdictOfError } from '../verdict.ts';
import type { Work } from '../work.ts';
import { resolveBegun } from './resolve.ts';

/**
 * Reads the automation executions that were started for findings. If a start was not answered, searches for its
 * execution, and follows it if there is one.
 */
export async function followRunbooks(
  session: AwsSession,
  findings: readonly Finding[],
  work: Pick<Work, 'journal' | 'recent'>,
): Promise<Followed> {
  const unknown = new Map<string, Verdict>();
  const found = new Set<string>();
  for (const finding of findings.filter((each) => hasLostStarts([each], work))) {
    const { resource } = finding;
    try {
      await resolveBegun(session, finding, work, { only: isStart });
      if (!hasLostStarts([finding], work)) found.add(resource);
    } catch (error) {
      unknown.set(resource, verdictOfError(error));
    }
  }
  const known = findings.filter(({ resource }) => !unknown.has(resource));
  const followed = await followExecutions(session, known, work);
  const endings = [...followed.endings].map(
    ([resource, ending]) => [resource, { ...ending, isFound: found.has(resource) }] as const,
  );
  return {
    ...followed,
    endings: new Map(endings),
    verdicts: new Map([...followed.verdicts, ...unknown]),
  };
}
