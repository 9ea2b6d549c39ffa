import { isAwsError } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import { isStart } from '../../changes/automation-execution/is-start.ts';
import type { AutomationExecutionStart } from '../../changes/automation-execution/start.ts';
import type { Finding } from '../../model/finding.ts';
import { type Verdict, type Verdicts, verdictOfError, wait } from '../verdict.ts';
import type { Work } from '../work.ts';
import { executionState } from './execution.ts';

/** The end of an automation execution. */
export interface Ending {
  readonly status: string;
  /** The execution and its document, in words. */
  readonly execution: string;
  /** The status, and the reason if it is given. */
  readonly result: string;
  /** True if the answer to its start was lost, and it was found just now. */
  readonly isFound?: boolean;
}

/** News of the executions that were started for findings. */
export interface Followed {
  /** The results of those that are over, by resource. */
  readonly endings: ReadonlyMap<string, Ending>;
  /** The findings without a running execution. */
  readonly idle: readonly Finding[];
  readonly verdicts: Verdicts;
}

/**
 * Checks whether any finding has an execution that may or may not have started, because the answer was lost or the
 * attempt was interrupted.
 */
export function hasLostStarts(findings: readonly Finding[], { journal }: Pick<Work, 'journal'>): boolean {
  return findings.some(({ resource }) => journal.unresolved(resource).some(({ change }) => isStart(change)));
}

/** Checks the automation executions that were started for findings. A finding waits for one that is still running. */
export async function followExecutions(
  session: AwsSession,
  findings: readonly Finding[],
  { journal }: Pick<Work, 'journal'>,
): Promise<Followed> {
  const endings = new Map<string, Ending>();
  const verdicts = new Map<string, Verdict>();
  const idle: Finding[] = [];
  for (const finding of findings) {
    const execution = journal.execution(finding.resource);
    if (execution === undefined) continue;
    const { ending, verdict, isOver } = await follow(session, execution);
    if (ending !== undefined) endings.set(finding.resource, ending);
    if (verdict !== undefined) verdicts.set(finding.resource, verdict);
    if (isOver) idle.push(finding);
  }
  return { endings, verdicts, idle };
}

interface FollowedExecution {
  readonly ending?: Ending;
  readonly verdict?: Verdict;
  /** True if it is known to have stopped working. */
  readonly isOver: boolean;
}

async function follow(session: AwsSession, execution: AutomationExecutionStart): Promise<FollowedExecution> {
  const words = `execution ${execution.executionId} of ${execution.document}`;
  try {
    const state = await executionState(session, execution);
    if (!state.isOver) return { verdict: wait(`${words} is ${state.status}`), isOver: false };
    const { status, failure } = state;
    const result = `${status}${failure === undefined ? '' : ` (${failure})`}`;
    return { ending: { status, execution: words, result }, isOver: true };
  } catch (error) {
    const verdict = verdictOfError(error, {}, `${words} cannot be followed: `);
    return { verdict, isOver: isAwsError(error, 'AutomationExecutionNotFound') };
  }
}
