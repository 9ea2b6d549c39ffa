import type { Finding } from '../../model/finding.ts';
import type { Job } from '../../model/job.ts';
import { ALL, type RetryName, retryKey } from '../../model/operator-items.ts';
import type { Ports } from '../ports.ts';
import type { RetryRequest } from './findings-store.ts';

/** The retries that operators have asked for: one question for all findings of the job, when the first is asked about. */
export class Retries {
  readonly #ports: Pick<Ports, 'clock' | 'table'>;
  readonly #job: Job;
  #asked: Promise<readonly RetryRequest[]> | undefined;
  readonly #cleared = new Set<string>();

  constructor(job: Job, ports: Pick<Ports, 'clock' | 'table'>) {
    this.#job = job;
    this.#ports = ports;
  }

  /**
   * Tells whether an operator wants a finding to be looked at, whatever happened to it before. @throws AWS's own error
   * where the table can't be read
   * @param since what happened last, milliseconds since 1970
   */
  async isAsked(finding: Finding, since: number): Promise<boolean> {
    const now = this.#ports.clock.now();
    const isAsked = (await this.#of(finding)).some(
      (request) => 'at' in request && Date.parse(request.at) >= since && Date.parse(request.at) <= now,
    );
    if (isAsked) this.#cleared.add(finding.resource);
    return isAsked;
  }

  /** The resources whose findings operators wanted to be looked at. */
  get cleared(): ReadonlySet<string> {
    return this.#cleared;
  }

  /** Explains how an operator asks, and what is wrong with what is there. */
  async advice(finding: Finding): Promise<string> {
    const { account, region, resource } = finding;
    const wrong = (await this.#of(finding)).flatMap((request) =>
      'problem' in request
        ? ` (the item ${keyOf(request.name)} can't be understood: ${request.problem})`
        : [],
    );
    return `the item ${keyOf({ account, region, resource })} of the findings table${wrong.join('')}`;
  }

  async #of(finding: Finding): Promise<RetryRequest[]> {
    this.#asked ??= this.#ports.table.readRetries([
      ...new Map(this.#job.findings.flatMap(namesOf).map((name) => [keyOf(name), name])).values(),
    ]);
    const wanted = new Set(namesOf(finding).map(keyOf));
    return (await this.#asked).filter(({ name }) => wanted.has(keyOf(name)));
  }
}

/** The names that a retry of a finding may have. */
function namesOf({ account, region, resource }: Finding): RetryName[] {
  return [
    { account, region: ALL, resource: ALL },
    { account, region, resource: ALL },
    { account, region, resource },
  ];
}

function keyOf(name: RetryName): string {
  const { pk, sk } = retryKey(name);
  return `${pk} / ${sk}`;
}
