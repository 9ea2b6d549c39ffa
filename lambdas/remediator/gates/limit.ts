import { describeLimit, settingOf } from '../../model/limits.ts';
import type { Refusal } from '../refusal.ts';
import { conclude } from '../verdict.ts';
import type { Gate } from './gate.ts';
import type { Moments } from './moments.ts';

/** Stops a finding if a limit has no room for its changes. */
export const limit: Gate<Pick<Moments['whenReserved'], 'refusals'>> = ({ resource }, { refusals }) => {
  const refusal = refusals.get(resource);
  if (refusal === undefined) return undefined;
  const { limit: reached, changes } = refusal;
  const setting = settingOf(reached);
  const needed = `this finding needs ${changes} ${changes === 1 ? 'change' : 'changes'}`;
  const until =
    changes > reached.most
      ? `${needed}, so it waits until ${setting} is at least ${changes}`
      : `${needed}, and the limit leaves ${roomOf(refusal)}. The finding comes before new ones at the next poll; to allow more changes, raise ${setting}`;
  return conclude('deferred', {
    willRetry: true,
    gate: 'limit',
    reason: `${describeLimit(reached)}: ${until}`,
  });
};

/** Describes the remaining room, which is not sufficient for a finding. */
function roomOf({ room: { left, kept, moreAt }, wasDeferred }: Refusal): string {
  const others = wasDeferred ? 0 : kept;
  const keptFor =
    others === 0
      ? ''
      : `, ${others === left ? 'all' : others} of them reserved for findings that are already waiting`;
  return `${left}${keptFor}${moreAt === undefined ? '' : `; more are available from ${new Date(moreAt).toISOString()}`}`;
}
