import { describeAssumeRoleError } from '../../aws/assume-role-error.ts';
import { errorKind } from '../../aws/errors.ts';
import type { CheckRequest } from '../../model/requests.ts';
import type { Ports } from '../ports.ts';

/**
 * Placeholder permission, because AWS does not accept an empty session policy. Every session is allowed to make this
 * call.
 */
const nothing = { actions: ['sts:GetCallerIdentity'], resources: ['*'] } as const;

/**
 * Checks whether the target role of an account can be assumed.
 * @returns undefined if it can; otherwise the reason
 * @throws AWS's own error if this can't be determined now
 */
export async function checkAccount(
  { account, region }: CheckRequest,
  { openSession }: Pick<Ports, 'openSession'>,
): Promise<string | undefined> {
  try {
    await openSession({ account, region, name: 'check', permissions: [nothing] });
    return undefined;
  } catch (error) {
    if (errorKind(error) !== 'refused') throw error;
    return describeAssumeRoleError(error, account, region);
  }
}
