import pLimit from 'p-limit';
import { chunks } from '../aws/batches.ts';
import type { Change } from './change.ts';
import { load } from './index.ts';

/**
 * The most changes of which AWS is asked at once, whatever their kinds: the last of them must be sent while the answers to
 * the checks before the first one stay valid.
 */
const MOST_OF_A_BURST = 25;

/** Counts how many of some changes, in their order, are made at once without that AWS throttles them: at least one. */
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

/**
 * Waits for the changes that began together: until each is as far, or has ended. What they read next is one call. To be
 * awaited before anything is asked or read that must be true when calls leave.
 */
export type Meet = () => Promise<void>;

/** A place where changes wait for one another. */
class Meeting {
  readonly #waiting: (() => void)[] = [];
  #present: number;

  /** @param present the number of changes that are made */
  constructor(present: number) {
    this.#present = present;
  }

  readonly meet: Meet = () =>
    new Promise((go) => {
      this.#waiting.push(go);
      this.#goWhereComplete();
    });

  /** Notes that a change has ended: no other waits for it. */
  leave(): void {
    this.#present -= 1;
    this.#goWhereComplete();
  }

  #goWhereComplete(): void {
    if (this.#waiting.length < this.#present) return;
    for (const go of this.#waiting.splice(0)) go();
  }
}

/** Makes changes of one kind to different resources, as many at once as the kind says. */
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
