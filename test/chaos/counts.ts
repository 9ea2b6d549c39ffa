/** Numbers by name, summed over cases. */
export class Counts {
  readonly #numbers = new Map<string, number>();

  add(name: string, number = 1): void {
    this.#numbers.set(name, (this.#numbers.get(name) ?? 0) + number);
  }

  addAll(other: Counts): void {
    for (const [name, number] of other.#numbers) this.add(name, number);
  }

  get(name: string): number {
    return this.#numbers.get(name) ?? 0;
  }

  /** Counts in alphabetical order. */
  get entries(): readonly (readonly [string, number])[] {
    return [...this.#numbers].sort(([one], [other]) => (one < other ? -1 : 1));
  }
}
