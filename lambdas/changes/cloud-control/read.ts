import { z } from 'zod';
import { orWhen } from '../../aws/or-when.ts';
import type { AwsSession } from '../../aws/session.ts';
import { jsonSchema } from '../../model/json.ts';
import type { Properties } from './patch.ts';

/** The identity of a resource in Cloud Control. */
export interface ResourceModel {
  /** The CloudFormation type name: `AWS::RDS::DBInstance`. */
  readonly type: string;
  /** The type's primary identifier. */
  readonly identifier: string;
}

const propertiesSchema = z.record(z.string(), jsonSchema);

/** Reads a resource's properties; undefined if it is gone. */
export function readProperties(
  session: AwsSession,
  { type, identifier }: ResourceModel,
): Promise<Properties | undefined> {
  return orWhen(['ResourceNotFound'], undefined, async () => {
    const { CloudControlClient, GetResourceCommand } = await import('../../aws/cloudcontrol.ts');
    const { ResourceDescription } = await session
      .client(CloudControlClient)
      .send(new GetResourceCommand({ TypeName: type, Identifier: identifier }));
    return propertiesSchema.parse(JSON.parse(ResourceDescription?.Properties ?? ''));
  });
}

/** Maximum number of a stack's resources in one CloudFormation answer. */
const MOST_OF_A_STACK = 100;

/**
 * Finds the name of the CloudFormation stack that manages a resource. Returns undefined if there is none. Stacks
 * identify a resource by its complete primary identifier or, if that has several parts, by one of them.
 */
export async function stackOf(
  session: AwsSession,
  { type, identifier }: ResourceModel,
): Promise<string | undefined> {
  const ids = new Set([identifier, ...identifier.split('|')].filter((id) => id !== ''));
  for (const id of ids) {
    const stack = await stackThatHas(session, id, { type, ids });
    if (stack !== undefined) return stack;
  }
  return undefined;
}

/**
 * Finds the stack that contains a physical id, and checks whether the stack has a resource of the type with one of the
 * ids.
 */
function stackThatHas(
  session: AwsSession,
  asked: string,
  { type, ids }: { readonly type: string; readonly ids: ReadonlySet<string> },
): Promise<string | undefined> {
  // "Stack for … does not exist".
  return orWhen(['ValidationError'], undefined, async () => {
    const { CloudFormationClient, DescribeStackResourcesCommand } = await import(
      '../../aws/cloudformation.ts'
    );
    const { StackResources = [] } = await session
      .client(CloudFormationClient)
      .send(new DescribeStackResourcesCommand({ PhysicalResourceId: asked }));
    const found = StackResources.find(
      ({ PhysicalResourceId = '', ResourceType }) => ids.has(PhysicalResourceId) && ResourceType === type,
    );
    // It is only certain that the stack does not manage the resource if the answer is complete and lists the id for
    // another type.
    const isAnothers =
      StackResources.length < MOST_OF_A_STACK &&
      StackResources.some(({ PhysicalResourceId }) => PhysicalResourceId === asked);
    return (found ?? (isAnothers ? undefined : StackResources[0]))?.StackName;
  });
}
