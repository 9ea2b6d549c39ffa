import { z } from 'zod';
import type { AwsSession } from '../../aws/session.ts';
import { type AutomationExecutionStart, POLL_TAG } from '../../changes/automation-execution/start.ts';
import type { Finding } from '../../model/finding.ts';
import { type Job, pollId } from '../../model/job.ts';
import { nameBasedUuid } from '../../model/name-based-uuid.ts';
import type { DocumentRun, Runbook, RunPlace } from '../../rules/runbook.ts';

/** Tag that, together with `POLL_TAG`, shows people in the account why an execution was started. */
const RULE_TAG = 'cspm-auto-remediation:rule';

/**
 * Statuses of an execution that has not ended. SSM API reference, `AutomationExecution`, `AutomationExecutionStatus`.
 */
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

const copyOf = (parameters: Readonly<Record<string, readonly string[]>>): Record<string, string[]> =>
  Object.fromEntries(Object.entries(parameters).map(([name, values]) => [name, [...values]]));

const runOf = (run: DocumentRun, place: RunPlace) => ({
  document: run.documentIn(place),
  version: run.version,
  parameters: copyOf(run.parametersFor(place)),
});

/** Plans the fix of a finding by its runbook. Pure: no clock, no network. */
export function planRunbook(
  runbook: Runbook,
  finding: Finding,
  { poll, region }: Pick<Job, 'poll' | 'region'>,
  roleArn: string,
): AutomationExecutionStart {
  const { rule, account, resource } = finding;
  const place = runbook.regionOf?.(resource) ?? region;
  const [, partition = ''] = roleArn.split(':');
  const runPlace = { resource, account, region: place, partition, automationRoleArn: roleArn };
  const started =
    runbook.run === undefined
      ? { document: runbook.document, version: '$DEFAULT', parameters: copyOf(runbook.parameters(resource)) }
      : { ...runOf(runbook.run, runPlace), hasAllParameters: true as const };
  return {
    kind: 'automation-execution-start',
    resource,
    region: place,
    ...started,
    ...(runbook.undo !== undefined && { undo: runOf(runbook.undo, runPlace) }),
    roleArn,
    tags: { [RULE_TAG]: rule, [POLL_TAG]: pollId(poll) },
    // A poll starts one execution per resource, regardless of the number of attempts, and of the number of regions in
    // which a resource with its own region is found.
    clientToken: nameBasedUuid([pollId(poll), account, place, resource, started.document].join(' ')),
  };
}

/** The state of an execution. */
export type ExecutionState =
  | { readonly isOver: false; readonly status: string }
  | {
      readonly isOver: true;
      readonly status: string;
      readonly failure?: string;
      readonly endedAt?: Date;
    };

const executionSchema = z.object({
  AutomationExecutionStatus: z.string(),
  FailureMessage: z.string().optional(),
  ExecutionEndTime: z.date().optional(),
});

/** Reads the state of an execution. @throws AWS's own error if it can't be read */
export async function executionState(
  session: AwsSession,
  { executionId, region }: AutomationExecutionStart,
): Promise<ExecutionState> {
  const { GetAutomationExecutionCommand, SSMClient } = await import('../../aws/ssm.ts');
  const answer = await session
    .client(SSMClient, region)
    .send(new GetAutomationExecutionCommand({ AutomationExecutionId: executionId }));
  const {
    AutomationExecutionStatus: status,
    FailureMessage: failure,
    ExecutionEndTime: endedAt,
  } = executionSchema.parse(answer.AutomationExecution);
  if (RUNNING.includes(status)) return { isOver: false, status };
  return {
    isOver: true,
    status,
    ...(failure !== undefined && { failure }),
    ...(endedAt !== undefined && { endedAt }),
  };
}
