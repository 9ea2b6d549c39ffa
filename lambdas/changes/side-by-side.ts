import pLimit from 'p-limit';
import { chunks } from '../aws/batches.ts';
import type { Change, Meet } from './change.ts';
import { load } from './index.ts';

/**
 * Maximum number of changes, of any kind, that are sent at once: the last one must be sent while the checks before the
 * first one are still valid.
 */
const MOST_OF_A_BURST = 25;

/** Counts how many of the changes, in order, can be made at once without being throttled. The minimum is one. */
export async function burstOf(changes: readonly Change[]): Promise<number> {
  const taken = new Map<string, number>();
  for (const [index, change] of changes.slice(0, MOST_OF_A_BURST).entries()) {
    const { pace, ...kind } = await load(change);
    if (pace.isAssumed === true) continue;
    const calls = (taken.get(pace.quota) ?? 0) + kind.calls(change);
    if (calls > pace.burst && index > 0) return index;
    taken.set(pace.quota, calls);
  }
  return Math.min(changes.length, MOST_OF_A_BURST);
}

/** Point at which changes wait for each other. */
class Meeting {
  readonly #waiting: (() => void)[] = [];
  #present: number;

  /** Creates a meeting point. @param present the number of changes */
  constructor(present: number) {
    this.#present = present;
  }

  readonly meet: Meet = () =>
    new Promise((go) => {
      this.#waiting.push(go);
      this.#goWhereComplete();
    });

  /** Notes that a change has ended, so that the others no longer wait for it. */
  leave(): void {
    this.#present -= 1;
    this.#goWhereComplete();
  }

  #goWhereComplete(): void {
    if (this.#waiting.length < this.#present) return;
    for (const go of this.#waiting.splice(0)) go();
  }
}

/** Makes changes of one kind to different resources, as many in parallel as the kind allows. */
export async function sideBySide<C>(
  kind: string,
  changes: readonly C[],
  make: (change: C, meet: Meet) => Promise<void>,
): Promise<void> {
  const { atOnce, startsTogether } = await load({ kind });
  if (!startsTogether) {
    await pLimit(atOnce).map(changes, (change) => make(change, async () => {}));
    return;
  }
  for (const together of chunks(changes, atOnce)) {
    const meeting = new Meeting(together.length);
    await Promise.all(together.map((change) => make(change, meeting.meet).finally(() => meeting.leave())));
  }
}
