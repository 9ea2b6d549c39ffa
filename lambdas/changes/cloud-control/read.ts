import { z } from 'zod';
import { orWhen } from '../../aws/or-when.ts';
import type { AwsSession } from '../../aws/session.ts';
import { jsonSchema } from '../../model/json.ts';
import type { Properties } from './patch.ts';

/** A resource as Cloud Control names it. */
export interface ResourceModel {
  /** CloudFormation's name of the type: `AWS::RDS::DBInstance`. */
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

/** Resources of a stack that CloudFormation names in one answer, at most. */
const MOST_OF_A_STACK = 100;

/**
 * Finds the name of the CloudFormation stack that manages a resource; undefined if none does. Stacks name a resource by
 * all of its primary identifier or, where that has several parts, by one of them.
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

/** Asks for the stack of one physical id, and whether it has a resource of the type under one of its ids. */
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
    // Only an answer that is whole, and has the id for another type's resource, tells that the stack does not manage it.
    const isAnothers =
      StackResources.length < MOST_OF_A_STACK &&
      StackResources.some(({ PhysicalResourceId }) => PhysicalResourceId === asked);
    return (found ?? (isAnothers ? undefined : StackResources[0]))?.StackName;
  });
}
