import { isAwsError } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import { isStart } from '../../changes/automation-execution/is-start.ts';
import type { AutomationExecutionStart } from '../../changes/automation-execution/start.ts';
import type { Finding } from '../../model/finding.ts';
import { type Verdict, type Verdicts, verdictOfError, wait } from '../verdict.ts';
import type { Work } from '../work.ts';
import { executionState } from './execution.ts';

/** An automation execution that has ended. */
export interface Ending {
  readonly status: string;
  /** Description of the execution and its document. */
  readonly execution: string;
  /** The status, and the failure message if there is one. */
  readonly result: string;
  /** True if its start was not answered, and the execution was just found. */
  readonly isFound?: boolean;
}

/** State of the executions that were started for findings. */
export interface Followed {
  /** The executions that have ended, by resource. */
  readonly endings: ReadonlyMap<string, Ending>;
  /** The findings without a running execution. */
  readonly idle: readonly Finding[];
  readonly verdicts: Verdicts;
}

/**
 * Checks whether any finding has a start of an execution with an unknown result, because it was not answered or the
 * attempt was interrupted.
 */
export function hasLostStarts(findings: readonly Finding[], { journal }: Pick<Work, 'journal'>): boolean {
  return findings.some(({ resource }) => journal.unresolved(resource).some(({ change }) => isStart(change)));
}

/**
 * Reads the states of the automation executions that were started for findings. A finding waits while its execution is
 * running.
 */
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
  /** True if it is known not to be running. */
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
