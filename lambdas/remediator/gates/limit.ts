import { describeLimit, settingOf } from '../../model/limits.ts';
import { conclude } from '../verdict.ts';
import type { Gate } from './gate.ts';
import type { Moments } from './moments.ts';

/** The changes of a finding do not fit into what a limit leaves. */
export const limit: Gate<Pick<Moments['whenReserved'], 'refusals'>> = ({ resource }, { refusals }) => {
  const refusal = refusals.get(resource);
  if (refusal === undefined) return undefined;
  const { limit: reached, changes, room } = refusal;
  const { left, moreAt } = room;
  const setting = settingOf(reached);
  const needed = `${changes} ${changes === 1 ? 'is' : 'are'} to be changed for this finding`;
  const until =
    changes > reached.most
      ? `${needed}, so it waits until ${setting} is at least ${changes}`
      : `${needed}, and there is room for ${left}${moreAt === undefined ? '' : `; there is more from ${new Date(moreAt).toISOString()} on`}. It comes first at the next poll; to change more, raise ${setting}`;
  return conclude('deferred', {
    willRetry: true,
    gate: 'limit',
    reason: `${describeLimit(reached)}: ${until}`,
  });
};
