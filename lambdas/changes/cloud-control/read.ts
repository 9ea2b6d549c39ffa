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

/** Reads a resource's properties; undefined where it is gone. */
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

/** Finds the name of the CloudFormation stack that manages a resource; undefined where none does. */
export function stackOf(
  session: AwsSession,
  { type, identifier }: ResourceModel,
): Promise<string | undefined> {
  // "Stack for … does not exist".
  return orWhen(['ValidationError'], undefined, async () => {
    const { CloudFormationClient, DescribeStackResourcesCommand } = await import(
      '../../aws/cloudformation.ts'
    );
    const { StackResources = [] } = await session
      .client(CloudFormationClient)
      .send(new DescribeStackResourcesCommand({ PhysicalResourceId: identifier }));
    return StackResources.find(
      ({ PhysicalResourceId, ResourceType }) => PhysicalResourceId === identifier && ResourceType === type,
    )?.StackName;
  });
}
