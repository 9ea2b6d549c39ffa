import type { AwsSession } from '../../aws/session.ts';
import { canStop, stopChange } from '../../changes/index.ts';
import type { Finding } from '../../model/finding.ts';
import { type Verdict, type Verdicts, verdictOfError } from '../verdict.ts';
import type { Work } from '../work.ts';

/** Selects the findings for which AWS may still be carrying out a change that can be cancelled. */
export async function ongoingOf(
  findings: readonly Finding[],
  { journal }: Pick<Work, 'journal'>,
): Promise<readonly Finding[]> {
  const ongoing: Finding[] = [];
  for (const finding of findings) {
    const applied = journal.applied(finding.resource);
    const can = await Promise.all(applied.map(({ change }) => canStop(change)));
    if (can.includes(true)) ongoing.push(finding);
  }
  return ongoing;
}

/**
 * Cancels changes that AWS is still carrying out for findings, because an operator has paused them.
 * @param paused the verdict of the pause
 * @returns verdicts on the findings whose changes were cancelled; the others continue
 */
export async function stopOngoing(
  session: AwsSession,
  findings: readonly Finding[],
  paused: Verdict,
  { journal }: Pick<Work, 'journal'>,
): Promise<Verdicts> {
  const verdicts = new Map<string, Verdict>();
  for (const { resource } of findings) {
    try {
      for (const { change, line } of journal.applied(resource)) {
        if (!(await canStop(change)) || (await stopChange(session, change)) !== 'undone') continue;
        journal.drop(resource, line, change);
        journal.settle(resource, line);
        const reason = `${paused.details.reason ?? ''}; the change in progress was cancelled: ${line}`;
        verdicts.set(resource, { ...paused, details: { ...paused.details, reason } });
      }
    } catch (error) {
      verdicts.set(resource, verdictOfError(error, {}, 'the change in progress could not be cancelled: '));
    }
  }
  return verdicts;
}
