/** Error at the end of a function, after which none of its calls has an effect. */
export class Killed extends Error {
  override readonly name = 'Killed';
}

/** Counts the steps of an attempt at its ports, and ends the attempt after a number of steps. */
export class Lifeline {
  #left: number;
  readonly #onStep: () => void | Promise<void>;

  constructor(steps = Number.POSITIVE_INFINITY, onStep: () => void | Promise<void> = () => {}) {
    this.#left = steps;
    this.#onStep = onStep;
  }

  get isCut(): boolean {
    return this.#left <= 0;
  }

  /** Ends the attempt at its next step. */
  end(): void {
    this.#left = 0;
  }

  /** Takes one step before an effect and one after it, so that an attempt may end between the two. */
  async step<T>(effect: () => T | Promise<T>): Promise<T> {
    await this.#take();
    const result = await effect();
    await this.#take();
    return result;
  }

  async #take(): Promise<void> {
    this.#left -= 1;
    await this.#onStep();
    if (this.#left < 0) throw new Killed('the function was ended');
  }
}
