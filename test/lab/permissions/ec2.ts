import type { AwsCall } from '../aws-proxy/index.ts';
import {
  arnOf,
  type ConditionValues,
  type Requirement,
  type Requires,
  requestTags,
  requirement,
} from './requirement.ts';

/** The requirement of an EC2 call on a resource of the caller's account: `vpc/vpc-1`. */
export function ec2Requirement(
  call: AwsCall,
  action: string,
  resource: string,
  conditions: ConditionValues = {},
): Requirement {
  const arn = resource === '*' ? resource : arnOf(call, 'ec2', resource);
  return requirement(call, `ec2:${action}`, arn, { 'ec2:Region': call.region, ...conditions });
}

/** The tags that a call sets on new resources, by type of resource. */
export function tagsByKind({ parameters }: AwsCall): Map<string, Record<string, string>> {
  const kinds = new Map<string, Record<string, string>>();
  for (const [name, kind] of Object.entries(parameters)) {
    const number = /^TagSpecification\.(\d+)\.ResourceType$/.exec(name)?.[1];
    if (number === undefined || typeof kind !== 'string') continue;
    const tags: Record<string, string> = {};
    for (let tag = 1; ; tag += 1) {
      const key = parameters[`TagSpecification.${number}.Tag.${tag}.Key`];
      if (typeof key !== 'string') break;
      tags[key] = String(parameters[`TagSpecification.${number}.Tag.${tag}.Value`] ?? '');
    }
    kinds.set(kind, tags);
  }
  return kinds;
}

/**
 * The requirements of tagging at creation.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html
 */
export function createTags(call: AwsCall): Requirement[] {
  return [...tagsByKind(call)].map(([kind, tags]) =>
    ec2Requirement(call, 'CreateTags', `${kind}/*`, {
      'ec2:CreateAction': call.operation,
      ...requestTags(tags),
    }),
  );
}

/** `Describe…`: takes no resource. */
export const describe: Requires = (call) => [ec2Requirement(call, call.operation, '*')];
