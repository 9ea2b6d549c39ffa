import { z } from 'zod';
import type { Answer, ReceivedCall } from './scripted-aws.ts';

/** Actions by the query key of an S3 call that identifies the operation, and by method. */
const s3Actions: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  publicAccessBlock: {
    GET: 's3:GetBucketPublicAccessBlock',
    PUT: 's3:PutBucketPublicAccessBlock',
    DELETE: 's3:PutBucketPublicAccessBlock',
  },
  acl: { GET: 's3:GetBucketAcl' },
  policyStatus: { GET: 's3:GetBucketPolicyStatus' },
  tagging: { GET: 's3:GetBucketTagging' },
};

function s3Action({ method, path }: ReceivedCall): string {
  const { pathname, searchParams } = new URL(path, 'http://s3');
  if (pathname === '/' && method === 'GET') return 's3:ListAllMyBuckets';
  if (/^\/v20180820\/accesspoint$/.test(pathname)) return 's3:ListAccessPoints';
  if (/^\/v20180820\/accesspoint\/[^/]+\/policyStatus$/.test(pathname))
    return 's3:GetAccessPointPolicyStatus';
  for (const [subresource, actions] of Object.entries(s3Actions)) {
    const action = actions[method];
    if (searchParams.has(subresource) && action !== undefined) return action;
  }
  throw new Error(`no known action for ${method} ${path}`);
}

/** Actions that AWS requires in addition to the call's own, depending on its parameters. */
function besides(service: string, operation: string, { form, body }: ReceivedCall): readonly string[] {
  switch (`${service}:${operation}`) {
    case 'ec2:AuthorizeSecurityGroupIngress':
      return form.has('TagSpecification.1.ResourceType') ? ['ec2:CreateTags'] : [];
    case 'ec2:CreateFlowLogs':
      return [
        ...(form.has('TagSpecification.1.ResourceType') ? ['ec2:CreateTags'] : []),
        ...(form.has('DeliverLogsPermissionArn') ? ['iam:PassRole'] : []),
        ...(form.get('LogDestinationType') === 's3' ? ['logs:CreateLogDelivery'] : []),
      ];
    case 'ec2:DeleteFlowLogs':
      // The call does not contain the type of the flow log.
      return ['logs:DeleteLogDelivery'];
    case 'logs:CreateLogGroup':
      return z.object({ tags: z.unknown() }).safeParse(JSON.parse(body)).data?.tags === undefined
        ? []
        : ['logs:TagResource'];
    default:
      return [];
  }
}

/**
 * The IAM actions that a caller needs for a call, from the request: the service that the signature names, the operation,
 * and parameters that require more.
 */
export function calledActions(call: ReceivedCall): readonly string[] {
  const [, service = ''] =
    /Credential=[^/]+\/\d{8}\/[^/]+\/([^/]+)\//.exec(call.headers.authorization ?? '') ?? [];
  if (service === 's3') return [s3Action(call)];
  const target = call.headers['x-amz-target'];
  const operation =
    call.form.get('Action') ?? (typeof target === 'string' ? target.split('.').at(-1) : undefined);
  if (operation === undefined) throw new Error(`no known operation for ${call.method} ${call.path}`);
  return [`${service}:${operation}`, ...besides(service, operation, call)];
}

/** The actions of all these calls, each once, in alphabetical order. */
export function actionsOf(calls: readonly ReceivedCall[]): string[] {
  return [...new Set(calls.flatMap(calledActions))].sort();
}

/** Answers each call by the handler of its IAM action, and refuses calls without a handler, with their name. */
export function answerByAction(
  handlers: Readonly<Record<string, (call: ReceivedCall) => Answer>>,
): (call: ReceivedCall) => Answer {
  return (call) => {
    const [action = ''] = calledActions(call);
    const handler = handlers[action];
    if (handler !== undefined) return handler(call);
    return {
      status: 400,
      body: `<ErrorResponse><Error><Code>Unexpected</Code><Message>${action}</Message></Error></ErrorResponse>`,
    };
  };
}

/** A call's form parameters `Filter.1.Value.1`, `Filter.1.Value.2` … as a list. */
export function listed(call: ReceivedCall, prefix: string): string[] {
  return [...call.form]
    .filter(([name]) => name.startsWith(`${prefix}.`) && /^\d+$/.test(name.slice(prefix.length + 1)))
    .map(([, value]) => value);
}

/** The actions that these permissions grant, each once, in alphabetical order. */
export function grantedActions(
  ...permissions: readonly (readonly { readonly actions: readonly string[] }[])[]
): string[] {
  return [...new Set(permissions.flat().flatMap(({ actions }) => actions))].sort();
}
