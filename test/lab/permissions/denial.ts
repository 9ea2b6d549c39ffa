import type { RequestAnalysis } from '@cloud-copilot/iam-simulate';
import type { AwsCall } from '../aws-proxy/index.ts';
import type { Requirement } from './requirement.ts';

/** The decisive policy, and whether it denies explicitly or only does not allow. */
export interface DenialReason {
  readonly policy: 'identity' | 'session' | 'boundary' | 'resource' | 'trust';
  readonly explicit: boolean;
}

const words: Readonly<Record<DenialReason['policy'], string>> = {
  identity: 'identity-based policy',
  session: 'session policy',
  boundary: 'permissions boundary',
  resource: 'resource-based policy',
  trust: 'role trust policy',
};

/** Finds why a request is denied, in the order of AWS's messages; undefined for an allowed one. */
export function denialReason({ action }: Requirement, analysis: RequestAnalysis): DenialReason | undefined {
  if (analysis.result === 'Allowed') return undefined;
  const resource = action === 'sts:AssumeRole' ? 'trust' : 'resource';
  const results: readonly (readonly [DenialReason['policy'], string | undefined])[] = [
    ['identity', analysis.identityAnalysis?.result],
    ['session', analysis.sessionAnalysis?.result],
    ['boundary', analysis.permissionBoundaryAnalysis?.result],
    [resource, analysis.resourceAnalysis?.result],
  ];
  const denying = results.find(([, result]) => result === 'ExplicitlyDenied');
  if (denying !== undefined) return { policy: denying[0], explicit: true };
  const silent = results.find(([policy, result]) => policy !== resource && result === 'ImplicitlyDenied');
  return { policy: silent?.[0] ?? resource, explicit: false };
}

/**
 * Composes AWS's message for a denied call.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
 */
export function denialMessage(
  call: AwsCall,
  denied: Requirement & { readonly principal: string; readonly reason?: DenialReason },
): string {
  const { principal, action, resource, reason } = denied;
  const { policy, explicit } = reason ?? { policy: 'identity', explicit: false };
  const because = explicit
    ? `with an explicit deny in a ${words[policy]}`.replace('a identity', 'an identity')
    : `because no ${words[policy]} allows the ${action} action`;
  const what = `User: ${principal} is not authorized to perform: ${action}${resource === '*' ? '' : ` on resource: ${resource}`}`;
  // STS gives no reason.
  if (call.service === 'sts') return what;
  return `${call.service === 'ec2' ? 'You are not authorized to perform this operation. ' : ''}${what} ${because}`;
}
