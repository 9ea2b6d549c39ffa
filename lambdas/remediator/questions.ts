interface Question<T> {
  readonly answer: Promise<T>;
  /** Time at which it was asked, milliseconds since 1970. */
  readonly at: number;
}

/** Pending questions: a caller with the same question waits for the same answer. */
export class Questions<T> {
  readonly #asked = new Map<string, Question<T>>();

  /**
   * Asks, unless the same is being asked already.
   * @param at the time now
   * @param maxAge time before `at` in which it must have been asked, milliseconds: an answer may be as old as its question
   * @throws what the question throws, for all who wait for it
   */
  async ask(name: string, at: number, maxAge: number, ask: () => Promise<T>): Promise<T> {
    const asked = this.#asked.get(name);
    if (asked !== undefined && at - asked.at < maxAge) return asked.answer;
    const question = { answer: ask(), at };
    this.#asked.set(name, question);
    try {
      return await question.answer;
    } finally {
      if (this.#asked.get(name) === question) this.#asked.delete(name);
    }
  }
}
