import type { AwsSession } from '../../aws/session.ts';
import type { Change } from '../change.ts';
import { olderThanOurs } from '../ours.ts';
import { goneError, look, type Standing } from './calls.ts';
import { showsOurs } from './shows-ours.ts';
import { MAX_LOOKS } from './take-back.ts';

/**
 * Reads the network ACL until a read shows our earlier changes. Any other read is stale.
 * @throws ChangeRefusedError if the network ACL does not exist
 * @throws StalePlanError if no read shows our changes
 */
export async function lookFirst(
  session: AwsSession,
  resource: string,
  ours: readonly Change[],
): Promise<Standing> {
  for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
    const standing = await look(session, resource);
    if (standing === undefined) throw goneError(resource);
    if (showsOurs(standing, ours)) return standing;
  }
  throw olderThanOurs(`network ACL ${resource}`);
}
