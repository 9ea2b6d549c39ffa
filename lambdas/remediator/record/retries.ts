import type { Clock } from '../../model/clock.ts';
import type { Finding } from '../../model/finding.ts';
import { retryCommand } from '../../model/operator-commands.ts';
import { namesOfRetries, type RetryName, retryKey } from '../../model/operator-items.ts';
import type { RetryRequest } from './findings-store.ts';

/** The retries that operators have asked for. */
export class Retries {
  readonly #clock: Clock;
  #known: readonly RetryRequest[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes what the table knows. */
  keep(requests: readonly RetryRequest[]): void {
    this.#known = requests;
  }

  /**
   * Reports whether an operator wants a finding to be looked at, whatever happened to it before.
   * @param since what happened last, milliseconds since 1970
   */
  isAsked(finding: Finding, since: number): boolean {
    const now = this.#clock.now();
    return this.#of(finding).some(
      (request) => 'at' in request && Date.parse(request.at) >= since && Date.parse(request.at) <= now,
    );
  }

  /** The command by which an operator asks, and what is wrong with what is there. */
  advice(finding: Finding): string {
    const { account, region, resource } = finding;
    const wrong = this.#of(finding).flatMap((request) =>
      'problem' in request
        ? ` (the item ${keyOf(request.name)} cannot be understood: ${request.problem})`
        : [],
    );
    return `${retryCommand({ account, region, resource })}${wrong.join('')}`;
  }

  #of(finding: Finding): RetryRequest[] {
    const wanted = new Set(namesOfRetries(finding).map(keyOf));
    return this.#known.filter(({ name }) => wanted.has(keyOf(name)));
  }
}

function keyOf(name: RetryName): string {
  const { pk, sk } = retryKey(name);
  return `${pk} / ${sk}`;
}
