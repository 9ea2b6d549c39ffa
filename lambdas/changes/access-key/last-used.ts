import { orWhen } from '../../aws/or-when.ts';
import type { AwsSession } from '../../aws/session.ts';

/**
 * Reads the time at which a key was last used, according to AWS.
 * @returns null if it was never used; undefined if the key is gone
 */
export function readLastUsed(session: AwsSession, AccessKeyId: string): Promise<string | null | undefined> {
  return orWhen(['NoSuchEntity'], undefined, async () => {
    const { GetAccessKeyLastUsedCommand, IAMClient } = await import('../../aws/iam.ts');
    const answer = await session.client(IAMClient).send(new GetAccessKeyLastUsedCommand({ AccessKeyId }));
    return answer.AccessKeyLastUsed?.LastUsedDate?.toISOString() ?? null;
  });
}
