interface Question<T> {
  readonly answer: Promise<T>;
  /** Time at which it was asked, in milliseconds since 1970. */
  readonly at: number;
}

/** Pending requests by name, so that callers with the same request share one answer. */
export class Questions<T> {
  readonly #asked = new Map<string, Question<T>>();

  /**
   * Makes a request, or waits for the same request if it is already in progress.
   * @param at the current time, in milliseconds since 1970
   * @param maxAge maximum age of a request that may be shared, in milliseconds: an answer may be as old as its request
   * @throws the error of the request, to all callers that share it
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
