import { z } from 'zod';
import { ApiError, invalid } from './api.ts';

const templateSchema = z.looseObject({
  Resources: z.record(
    z.string(),
    z.looseObject({ Type: z.string(), Properties: z.record(z.string(), z.unknown()).default({}) }),
  ),
});

/** The properties that set the name of an IAM resource. */
const NAMES = ['GroupName', 'InstanceProfileName', 'ManagedPolicyName', 'RoleName', 'UserName'];

/**
 * Refuses a template that creates IAM resources beyond the capabilities that the caller has acknowledged.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/control-access-with-iam.html#using-iam-capabilities
 * @throws ApiError
 */
export function checkCapabilities(template: string, capabilities: readonly string[]): void {
  const resources = resourcesOf(template).filter(({ Type }) => Type.startsWith('AWS::IAM::'));
  const isNamed = resources.some(({ Properties }) => NAMES.some((name) => name in Properties));
  const enough = isNamed ? ['CAPABILITY_NAMED_IAM'] : ['CAPABILITY_IAM', 'CAPABILITY_NAMED_IAM'];
  if (resources.length === 0 || enough.some((capability) => capabilities.includes(capability))) return;
  throw new ApiError('InsufficientCapabilitiesException', `Requires capabilities : [${enough[0]}]`);
}

/** The logical ids and names of the roles in a template. */
export function namedRoles(template: string): { readonly id: string; readonly name: string }[] {
  return resourcesOf(template).flatMap(({ id, Type, Properties }) => {
    const { RoleName: name } = Properties;
    return Type === 'AWS::IAM::Role' && typeof name === 'string' ? { id, name } : [];
  });
}

/** @throws ApiError when the text is not a template; YAML is not supported here */
function resourcesOf(template: string) {
  let parsed: unknown;
  try {
    parsed = JSON.parse(template);
  } catch {
    throw invalid('Template format error: expected JSON');
  }
  const checked = templateSchema.safeParse(parsed);
  if (!checked.success) throw invalid(`Template format error: ${z.prettifyError(checked.error)}`);
  return Object.entries(checked.data.Resources).map(([id, resource]) => ({ id, ...resource }));
}
