interface Waiter {
  readonly go: () => void;
  /** True if the caller waits until it is woken, without a time limit. */
  readonly endless: boolean;
  timer?: NodeJS.Timeout;
}

/** Makes executions continue, each after a short delay, or when a test says so. */
export class Pace {
  milliseconds: number;
  readonly #waiters = new Map<object, Waiter>();
  #isHeld = false;

  constructor(milliseconds: number) {
    this.milliseconds = milliseconds;
  }

  /** Resolves when `who` may continue. */
  turn(who: object): Promise<void> {
    return this.#wait(who, false);
  }

  /** Resolves when `who` is woken, and never by itself. */
  wakeOnly(who: object): Promise<void> {
    return this.#wait(who, true);
  }

  hold(): void {
    this.#isHeld = true;
    for (const waiter of this.#waiters.values()) clearTimeout(waiter.timer);
  }

  release(): void {
    this.#isHeld = false;
    for (const waiter of this.#waiters.values()) this.#setTimer(waiter);
  }

  wake(who: object): void {
    this.#waiters.get(who)?.go();
  }

  #wait(who: object, endless: boolean): Promise<void> {
    return new Promise((resolve) => {
      const waiter: Waiter = {
        endless,
        go: () => {
          clearTimeout(waiter.timer);
          this.#waiters.delete(who);
          resolve();
        },
      };
      this.#waiters.set(who, waiter);
      if (!this.#isHeld) this.#setTimer(waiter);
    });
  }

  #setTimer(waiter: Waiter): void {
    if (!waiter.endless) waiter.timer = setTimeout(waiter.go, this.milliseconds);
  }
}
