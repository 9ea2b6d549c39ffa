import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { isAwsError } from '../../aws/errors.ts';
import { paceOnceThrottled } from '../../aws/pace.ts';
import { CLOCKS_DIFFER_MILLISECONDS } from '../../model/clock.ts';
import { ChangeRefusedError } from '../../model/errors.ts';
import { regionSchema } from '../../model/finding.ts';
import { nameBasedUuid } from '../../model/name-based-uuid.ts';
import type { ChangeKind } from '../change.ts';

export const schema = z.object({
  kind: z.literal('automation-execution-start'),
  /** The id of the resource that the document changes. */
  resource: z.string(),
  /** The region in which the document runs. */
  region: regionSchema,
  /** The Systems Manager document: `AWS-DisablePublicAccessForSecurityGroup`. */
  document: z.string(),
  /** The version: a number, or `$DEFAULT`. */
  version: z.string(),
  /** The parameters, without `AutomationAssumeRole` unless `hasAllParameters` is set. */
  parameters: z.record(z.string(), z.array(z.string())),
  /** Set if `parameters` are the complete parameters of the execution. */
  hasAllParameters: z.literal(true).optional(),
  /** The document that undoes this one, if there is one. */
  undo: z
    .object({
      document: z.string(),
      version: z.string(),
      parameters: z.record(z.string(), z.array(z.string())),
    })
    .optional(),
  /** The role that the execution assumes. */
  roleArn: z.string(),
  tags: z.record(z.string(), z.string()),
  /** A UUID for which AWS starts only one execution, however often it is sent. */
  clientToken: z.uuid(),
  /** Set once it is applied. */
  executionId: z.string().optional(),
});
export type AutomationExecutionStart = z.infer<typeof schema>;

/** Key of the tag with the poll that started an execution. The session that starts it is also named after the poll. */
export const POLL_TAG = 'cspm-auto-remediation:poll';

/** Final statuses of an execution, except for success (SSM API reference, AutomationExecution). */
const ENDED: readonly string[] = [
  'Failed',
  'TimedOut',
  'Cancelled',
  'Rejected',
  'CompletedWithFailure',
  'Exited',
];

function formatParameters(parameters: Readonly<Record<string, readonly string[]>>): string {
  return Object.entries(parameters)
    .map(([name, values]) => `${name}=${values.join(',')}`)
    .join(', ');
}

/** Returns the document's parameters, including the role that it assumes. */
function parametersOf({ parameters, hasAllParameters, roleArn }: AutomationExecutionStart) {
  return { ...parameters, ...(hasAllParameters !== true && { AutomationAssumeRole: [roleArn] }) };
}

/**
 * Starts a Systems Manager Automation execution in the session's account, in the region of the change. The effect is
 * determined by reading the resource after the execution has ended. There is no inverse unless another document undoes
 * it, because only the document knows what it changes.
 */
export const changeKind: ChangeKind<AutomationExecutionStart> = {
  kind: 'automation-execution-start',
  pace: paceOnceThrottled('ssm'),
  schema,
  describe({ document, version, parameters, region, roleArn }) {
    return `~ run ${document} version ${version} in ${region} (${formatParameters(parameters)}) as ${roleArn}`;
  },
  toLookAt({ document, region, resource }) {
    return `the automation executions of ${document} in Systems Manager in ${region}, and ${resource}`;
  },
  /** @throws ChangeRefusedError, busy, if the account has reached its quota of executions */
  async apply(session, change) {
    const { SSMClient, StartAutomationExecutionCommand } = await import('../../aws/ssm.ts');
    try {
      const { AutomationExecutionId } = await session.client(SSMClient, change.region).send(
        new StartAutomationExecutionCommand({
          DocumentName: change.document,
          DocumentVersion: change.version,
          Parameters: parametersOf(change),
          ClientToken: change.clientToken,
          Tags: Object.entries(change.tags).map(([Key, Value]) => ({ Key, Value })),
        }),
      );
      return { ...change, executionId: z.string().parse(AutomationExecutionId) };
    } catch (error) {
      if (!isAwsError(error, 'AutomationExecutionLimitExceeded')) throw error;
      throw new ChangeRefusedError(
        `account ${session.account} has reached its quota of automation executions in ${change.region}: ${error.message}`,
        { cause: error, because: 'busy' },
      );
    }
  },
  findsByMark: true,
  /**
   * Finds the execution by the session that started it: sessions are named after their poll, which has one execution per
   * resource.
   */
  async find(session, planned, since) {
    const { GetAutomationExecutionCommand, paginateDescribeAutomationExecutions, SSMClient } = await import(
      '../../aws/ssm.ts'
    );
    const client = session.client(SSMClient, planned.region);
    // The filter accepts no milliseconds.
    const after = new Date(since.getTime() - CLOCKS_DIFFER_MILLISECONDS)
      .toISOString()
      .replace(/\.\d+Z$/, 'Z');
    const isShared = planned.document.startsWith('arn:');
    const isOfDocument = (name: string): boolean =>
      name === planned.document || (isShared && planned.document.endsWith(`/${name}`));
    const pages = paginateDescribeAutomationExecutions(
      { client },
      {
        Filters: [
          // AWS does not document the name under which it lists a document of another account.
          ...(isShared ? [] : [{ Key: 'DocumentNamePrefix' as const, Values: [planned.document] }]),
          { Key: 'StartTimeAfter', Values: [after] },
        ],
      },
    );
    for await (const { AutomationExecutionMetadataList: executions = [] } of pages) {
      for (const { AutomationExecutionId: executionId, DocumentName = '', ExecutedBy = '' } of executions) {
        const isOfPoll = ExecutedBy.endsWith(`/${planned.tags[POLL_TAG]}`);
        if (executionId === undefined || !isOfDocument(DocumentName) || !isOfPoll) continue;
        const { AutomationExecution: execution } = await client.send(
          new GetAutomationExecutionCommand({ AutomationExecutionId: executionId }),
        );
        if (isDeepStrictEqual(execution?.Parameters, parametersOf(planned)))
          return { ...planned, executionId };
      }
    }
    return undefined;
  },
  inverse({ undo, executionId: _, ...started }) {
    if (undo === undefined) return undefined;
    return { ...started, ...undo, clientToken: nameBasedUuid(`undo ${started.clientToken}`) };
  },
  /** Checks whether a document that undoes another has ended. @throws ChangeRefusedError if it has failed */
  async differs(session, { document, region, undo, executionId }) {
    if (undo !== undefined) return undefined;
    // With the same token, AWS does not start a second execution.
    if (executionId === undefined) return `it is unknown whether ${document} was started`;
    const { GetAutomationExecutionCommand, SSMClient } = await import('../../aws/ssm.ts');
    const {
      AutomationExecution: { AutomationExecutionStatus: status = 'unknown', FailureMessage = '' } = {},
    } = await session
      .client(SSMClient, region)
      .send(new GetAutomationExecutionCommand({ AutomationExecutionId: executionId }));
    if (status === 'Success') return undefined;
    const words = `execution ${executionId} of ${document} is ${status}`;
    if (ENDED.includes(status)) throw new ChangeRefusedError(`${words} ${FailureMessage}`.trim());
    return words;
  },
  notRestored: ({ document, resource, undo }) =>
    undo === undefined
      ? `what document ${document} changed in ${resource} is not undone, because only the document knows its changes: see the outcome's "seen" for the earlier state`
      : undefined,
};
