import { z } from 'zod';
import { isAwsError } from '../../aws/errors.ts';
import { ChangeRefusedError } from '../../model/errors.ts';
import { regionSchema } from '../../model/finding.ts';
import { nameBasedUuid } from '../../model/name-based-uuid.ts';
import type { ChangeKind } from '../change.ts';

export const schema = z.object({
  kind: z.literal('automation-execution-start'),
  /** The id of the resource that the document is to change. */
  resource: z.string(),
  /** Region in which it runs. */
  region: regionSchema,
  /** The Systems Manager document: `AWS-DisablePublicAccessForSecurityGroup`. */
  document: z.string(),
  /** Its version: a number, or `$DEFAULT`. */
  version: z.string(),
  /** Its parameters without `AutomationAssumeRole`, unless they are all. */
  parameters: z.record(z.string(), z.array(z.string())),
  /** Set where the parameters are all that it is started with. */
  hasAllParameters: z.literal(true).optional(),
  /** The document that undoes it, where there is one. */
  undo: z
    .object({
      document: z.string(),
      version: z.string(),
      parameters: z.record(z.string(), z.array(z.string())),
    })
    .optional(),
  /** The role that it works as. */
  roleArn: z.string(),
  tags: z.record(z.string(), z.string()),
  /** A UUID: AWS starts one execution for it, however often it is asked. */
  clientToken: z.uuid(),
  /** Set once it is applied. */
  executionId: z.string().optional(),
});
export type AutomationExecutionStart = z.infer<typeof schema>;

function formatParameters(parameters: Readonly<Record<string, readonly string[]>>): string {
  return Object.entries(parameters)
    .map(([name, values]) => `${name}=${values.join(',')}`)
    .join(', ');
}

/**
 * Starts a Systems Manager Automation execution in the session's account and region. Started is not done: what it does
 * is seen by reading the resource when the execution has ended. It has no inverse unless another document undoes it: what it
 * changes, the document knows alone.
 */
export const changeKind: ChangeKind<AutomationExecutionStart> = {
  kind: 'automation-execution-start',
  schema,
  describe({ document, version, parameters, region, roleArn }) {
    return `~ run ${document} version ${version} in ${region} (${formatParameters(parameters)}) as ${roleArn}`;
  },
  toLookAt({ document, region, resource }) {
    return `the automation executions of ${document} in Systems Manager in ${region}, and at ${resource}`;
  },
  /** @throws ChangeRefusedError, busy, when the account has as many executions as its quota allows */
  async apply(session, change) {
    const { SSMClient, StartAutomationExecutionCommand } = await import('../../aws/ssm.ts');
    try {
      const { AutomationExecutionId } = await session.client(SSMClient, change.region).send(
        new StartAutomationExecutionCommand({
          DocumentName: change.document,
          DocumentVersion: change.version,
          Parameters: {
            ...change.parameters,
            ...(change.hasAllParameters !== true && { AutomationAssumeRole: [change.roleArn] }),
          },
          ClientToken: change.clientToken,
          Tags: Object.entries(change.tags).map(([Key, Value]) => ({ Key, Value })),
        }),
      );
      return { ...change, executionId: z.string().parse(AutomationExecutionId) };
    } catch (error) {
      if (!isAwsError(error, 'AutomationExecutionLimitExceeded')) throw error;
      throw new ChangeRefusedError(
        `account ${session.account} has as many automation executions in ${change.region} as its quota allows: ${error.message}`,
        { cause: error, because: 'busy' },
      );
    }
  },
  inverse({ undo, executionId: _, ...started }) {
    if (undo === undefined) return undefined;
    return { ...started, ...undo, clientToken: nameBasedUuid(`undo ${started.clientToken}`) };
  },
};
