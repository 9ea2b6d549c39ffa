import type { Clock } from '../../model/clock.ts';
import type { Finding } from '../../model/finding.ts';
import { retryCommand } from '../../model/operator-commands.ts';
import { namesOfRetries, type RetryName, retryKey } from '../../model/operator-items.ts';
import type { RetryRequest } from './findings-store.ts';

/** Retries that operators have requested. */
export class Retries {
  readonly #clock: Clock;
  #known: readonly RetryRequest[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Sets the retries as read from the table. */
  keep(requests: readonly RetryRequest[]): void {
    this.#known = requests;
  }

  /**
   * Checks whether an operator has requested that a finding is attempted again, regardless of its history.
   * @param since the time of the finding's last event, in milliseconds since 1970
   */
  isAsked(finding: Finding, since: number): boolean {
    const now = this.#clock.now();
    return this.#of(finding).some(
      (request) => 'at' in request && Date.parse(request.at) >= since && Date.parse(request.at) <= now,
    );
  }

  /** Returns the command that requests a retry, and the parse error of an existing request, if there is one. */
  advice(finding: Finding): string {
    const { account, region, resource } = finding;
    const wrong = this.#of(finding).flatMap((request) =>
      'problem' in request ? ` (the item ${keyOf(request.name)} cannot be parsed: ${request.problem})` : [],
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
