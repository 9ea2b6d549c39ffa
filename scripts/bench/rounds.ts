import { setTimeout as sleep } from 'node:timers/promises';
import { type AwsCall, type AwsProxy, countCalls } from '../../test/lab/aws-proxy/index.ts';

/** The time without a new call after which the function is assumed to be waiting for the held calls. */
const QUIET_MILLISECONDS = 300;
const LOOK_MILLISECONDS = 5;

/**
 * Counts the rounds of calls to AWS: the longest chain in which each call waits for the answer to the previous one. All calls are
 * held until no further one arrives, and then answered together, so that parallel calls are one round, regardless of the load of
 * the machine.
 */
export class Rounds {
  readonly #proxy: AwsProxy;
  readonly #onRound: () => void;
  #held: { readonly call: AwsCall; readonly go: () => void }[] = [];
  #chain: Readonly<Record<string, number>>[] = [];
  #released = 0;
  #answeredBefore = 0;
  #lastChange = 0;

  /** @param onRound called when the calls of a round are answered */
  constructor(proxy: AwsProxy, onRound: () => void = () => {}) {
    this.#proxy = proxy;
    this.#onRound = onRound;
  }

  /** Returns the rounds of a function, each as its calls by operation. Clears the calls that the proxy has recorded before. */
  async during(work: () => Promise<void>): Promise<readonly Readonly<Record<string, number>>[]> {
    this.#proxy.clear();
    this.#chain = [];
    this.#released = 0;
    this.#answeredBefore = 0;
    const holding = this.#proxy.interceptFirst(async (call) => {
      await new Promise<void>((go) => {
        this.#held.push({ call, go });
        this.#lastChange = performance.now();
      });
      return undefined;
    });
    let isDone = false;
    const releasing = this.#release(() => isDone);
    try {
      await work();
    } finally {
      isDone = true;
      holding.remove();
      await releasing;
    }
    return this.#chain;
  }

  async #release(isDone: () => boolean): Promise<void> {
    while (!isDone() || this.#held.length > 0) {
      await sleep(LOOK_MILLISECONDS);
      const answered = this.#proxy.calls.length;
      if (answered > this.#answeredBefore) {
        this.#answeredBefore = answered;
        this.#lastChange = performance.now();
      }
      const areAnswered = answered >= this.#released;
      if (this.#held.length === 0 || !areAnswered) continue;
      if (performance.now() - this.#lastChange < QUIET_MILLISECONDS) continue;
      const round = this.#held.splice(0);
      this.#released += round.length;
      this.#onRound();
      this.#chain.push(countCalls(round.map(({ call }) => call)));
      for (const { go } of round) go();
    }
  }
}
