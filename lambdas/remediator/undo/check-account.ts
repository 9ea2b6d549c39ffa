import { describeAssumeRoleError } from '../../aws/assume-role-error.ts';
import { errorKind } from '../../aws/errors.ts';
import type { CheckRequest } from '../../model/requests.ts';
import type { Ports } from '../ports.ts';

/** A permission that every session has anyway, because AWS accepts no empty session policy. */
const nothing = { actions: ['sts:GetCallerIdentity'], resources: ['*'] } as const;

/**
 * Checks whether the target role of an account can be assumed.
 * @returns the reason why not; undefined if it can
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
