import { type Job, jobId, pollId } from '../../model/job.ts';
import type { AccountItem } from '../../model/table-items.ts';
import type { Ports } from '../ports.ts';
import type { Probe } from './missing-roles.ts';

/**
 * Target role of an account, which may be known to be missing. This applies to the account, regardless of the number of
 * its findings. While the role is missing, one job per poll checks whether it is back.
 */
export class TargetRole {
  readonly #job: Job;
  readonly #ports: Pick<Ports, 'clock' | 'roles'>;
  #known: AccountItem | undefined;
  #isFound = false;

  constructor(job: Job, ports: Pick<Ports, 'clock' | 'roles'>) {
    this.#job = job;
    this.#ports = ports;
  }

  /** Sets the account's item as read from the table. */
  keep(item: AccountItem | undefined): void {
    this.#known = item;
  }

  /**
   * The time since which the role is known to be missing; undefined if it is not. Ignores an expired item, which
   * DynamoDB may delete late.
   */
  get missingSince(): string | undefined {
    const { since, expiresAt } = this.#known ?? {};
    return expiresAt !== undefined && expiresAt * 1000 >= this.#ports.clock.now() ? since : undefined;
  }

  /**
   * Claims the check for a poll whether a missing role is back.
   * @returns whether this job checks; true if the role is not known to be missing
   */
  async claimProbe(): Promise<boolean> {
    if (this.missingSince === undefined) return true;
    return this.#ports.roles.claimProbe(this.#job.account, this.#probe);
  }

  /** Notes that the role could be assumed. */
  async noteFound(): Promise<void> {
    if (this.missingSince === undefined || this.#isFound) return;
    this.#isFound = true;
    await this.#ports.roles.forget(this.#job.account);
  }

  /** Notes that the role could not be assumed. */
  async noteMissing(): Promise<void> {
    const { account, region, poll } = this.#job;
    await this.#ports.roles.report({ account, region, rule: poll.rule }, this.#probe);
  }

  get #probe(): Probe {
    const { poll } = this.#job;
    return { rule: poll.rule, poll: pollId(poll), job: jobId(this.#job) };
  }
}
