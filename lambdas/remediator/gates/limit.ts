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
      ? `${needed}, so it stays deferred until ${setting} is raised to at least ${changes}`
      : `${needed}, and ${roomOf(refusal)}. At the next poll, it takes precedence over new findings; to allow more changes, raise ${setting}`;
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
      : `, ${others === left ? '' : `${others} of them `}reserved for findings that are already waiting`;
  const more = moreAt === undefined ? '' : `; more become available at ${new Date(moreAt).toISOString()}`;
  return `${left === 0 ? 'none' : left} ${left < 2 ? 'is' : 'are'} left${keptFor}${more}`;
}
