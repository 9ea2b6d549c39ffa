import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { AwsSession } from '../../aws/session.ts';
import type { AutomationExecutionStart } from '../../changes/automation-execution/start.ts';
import type { Finding } from '../../model/finding.ts';
import { type Job, pollId } from '../../model/job.ts';
import type { Runbook } from '../../rules/runbook.ts';

/** Tags by which an account's people see who started an execution, and why. */
const RULE_TAG = 'cspm-auto-remediation:rule';
const POLL_TAG = 'cspm-auto-remediation:poll';

/** The states of an execution that is not over. SSM API reference, `AutomationExecution`, `AutomationExecutionStatus`. */
const RUNNING = [
  'Pending',
  'InProgress',
  'Waiting',
  'Cancelling',
  'PendingApproval',
  'Approved',
  'Scheduled',
  'RunbookInProgress',
  'PendingChangeCalendarOverride',
  'ChangeCalendarOverrideApproved',
];

/**
 * A name-based UUID, so that a poll starts one execution for a resource, however many attempts it needs, and from
 * however many regions a resource that tells its own region is found.
 */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 3) | 8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}

/** Plans the fix of a finding by the runbook. Pure. */
export function planRunbook(
  runbook: Runbook,
  finding: Finding,
  { poll, region }: Pick<Job, 'poll' | 'region'>,
  roleArn: string,
): AutomationExecutionStart {
  const { rule, account, resource } = finding;
  const place = runbook.regionOf?.(resource) ?? region;
  return {
    kind: 'automation-execution-start',
    resource,
    region: place,
    document: runbook.document,
    version: '$DEFAULT',
    parameters: Object.fromEntries(
      Object.entries(runbook.parameters(resource)).map(([name, values]) => [name, [...values]]),
    ),
    roleArn,
    tags: { [RULE_TAG]: rule, [POLL_TAG]: pollId(poll) },
    clientToken: uuidOf([pollId(poll), account, place, resource, runbook.document].join(' ')),
  };
}

/** The state of an execution. */
export type ExecutionState =
  | { readonly isOver: false; readonly status: string }
  | { readonly isOver: true; readonly status: string; readonly failure?: string };

const executionSchema = z.object({
  AutomationExecutionStatus: z.string(),
  FailureMessage: z.string().optional(),
});

/** Reads the state of an execution. @throws AWS's own error when it can't be read */
export async function executionState(
  session: AwsSession,
  { executionId, region }: AutomationExecutionStart,
): Promise<ExecutionState> {
  const { GetAutomationExecutionCommand, SSMClient } = await import('../../aws/ssm.ts');
  const answer = await session
    .client(SSMClient, region)
    .send(new GetAutomationExecutionCommand({ AutomationExecutionId: executionId }));
  const { AutomationExecutionStatus: status, FailureMessage: failure } = executionSchema.parse(
    answer.AutomationExecution,
  );
  if (RUNNING.includes(status)) return { isOver: false, status };
  return { isOver: true, status, ...(failure !== undefined && { failure }) };
}
