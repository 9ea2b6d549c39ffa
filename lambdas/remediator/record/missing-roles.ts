import { randomUUID } from 'node:crypto';
import type { Condition, FindingsTable } from '../../aws/findings-table.ts';
import type { Clock } from '../../model/clock.ts';
import type { RoleMissing, RoleMissingEvent } from '../../model/role-missing.ts';
import { type AccountItem, accountItemSchema, accountKey, parseItem } from '../../model/table-items.ts';

/** Duration that a StackSet may take to give an account its role before it is reported. */
const GRACE_MILLISECONDS = 3_600_000;

/** The time after which an account without news is forgotten, and a lasting problem is reported again. */
const KEPT_SECONDS = 7 * 86_400;

/** The most attempts at a write: several jobs may write an account's item at once. */
const CLAIMS = 4;

/** A job that checks whether the role is back, and its poll. */
export interface Probe {
  readonly rule: string;
  readonly poll: string;
  readonly job: string;
}

/**
 * Reports accounts without the target role: once per account, whatever the number of its findings, jobs, rules and
 * regions, and not before an hour has passed, in which a StackSet may still be at work.
 */
export class MissingRoles {
  readonly #table: Pick<FindingsTable, 'read' | 'putIf'>;
  readonly #publish: (event: RoleMissingEvent) => Promise<void>;
  readonly #clock: Clock;

  constructor(
    table: Pick<FindingsTable, 'read' | 'putIf'>,
    publish: (event: RoleMissingEvent) => Promise<void>,
    clock: Clock,
  ) {
    this.#table = table;
    this.#publish = publish;
    this.#clock = clock;
  }

  /**
   * @param probe the job that was refused the role, and its poll: no other job of the poll looks
   * @throws AWS's own error; the account is then reported by a later job
   */
  async report(missing: RoleMissing, probe: Probe): Promise<void> {
    const { account } = missing;
    const now = this.#clock.now();
    const known = await this.#find(account, now);
    const writer = randomUUID();
    if (known === undefined) {
      const since = new Date(now).toISOString();
      const item = itemOf(account, { since, state: 'noticed', writer, probes: probesWith(probe) }, now);
      await this.#table.putIf({ item, condition: isForgotten(writer, now) });
      return;
    }
    const { since } = known;
    if (wasReported(known, now) || now - Date.parse(since) < GRACE_MILLISECONDS) return;
    // First the item, so that of jobs in several regions one reports it.
    const toldAt = new Date(now).toISOString();
    const probes = probesWith(probe, known);
    const item = itemOf(account, { since, state: 'reported', writer, probes, toldAt }, now);
    if (!(await this.#table.putIf({ item, condition: isUnchanged(known, writer) })).isWritten) return;
    try {
      await this.#publish({ version: 1, ...missing, since });
    } catch (error) {
      const { writer: again } = known;
      await this.#table.putIf({ item: known, condition: isUnchanged(item, again) });
      throw error;
    }
  }

  /**
   * Asks to be the job that looks, in its poll, whether an account's missing role is back.
   * @returns whether it is. If the account is no longer known to lack the role, every job may check
   */
  async claimProbe(account: string, probe: Probe): Promise<boolean> {
    for (let attempt = 1; attempt <= CLAIMS; attempt += 1) {
      const now = this.#clock.now();
      const known = await this.#find(account, now);
      if (known === undefined) return true;
      const last = known.probes?.[probe.rule];
      if (last?.poll === probe.poll) return last.job === probe.job;
      const writer = randomUUID();
      const probes = probesWith(probe, known);
      const item = itemOf(account, { ...known, writer, probes, ...reportedAt(known) }, now);
      if ((await this.#table.putIf({ item, condition: isUnchanged(known, writer) })).isWritten) return true;
    }
    // Others write it all the time, and look.
    return false;
  }

  /** Forgets an account, whose role is back: the jobs after this one ask for it without a question. */
  async forget(account: string): Promise<void> {
    for (let attempt = 1; attempt <= CLAIMS; attempt += 1) {
      const known = await this.#find(account, this.#clock.now());
      if (known === undefined) return;
      const writer = randomUUID();
      const item = { ...known, writer, expiresAt: Math.floor(this.#clock.now() / 1000) - 1 };
      if ((await this.#table.putIf({ item, condition: isUnchanged(known, writer) })).isWritten) return;
    }
  }

  /** DynamoDB may take days to delete what is over. */
  async #find(account: string, now: number): Promise<AccountItem | undefined> {
    const [found] = await this.#table.read([accountKey(account)]);
    if (found === undefined) return undefined;
    const item = parseItem(accountItemSchema, found);
    return item.expiresAt * 1000 < now ? undefined : item;
  }
}

/** Reports whether people were sent a message within the week. */
function wasReported({ state, toldAt, expiresAt }: AccountItem, now: number): boolean {
  if (state !== 'reported') return false;
  // An item of before that was noted ends a week after the message.
  if (toldAt === undefined) return expiresAt * 1000 >= now;
  return now - Date.parse(toldAt) < KEPT_SECONDS * 1000;
}

/** The moment of the message, which an item of before it was noted has in its end. */
function reportedAt({ state, toldAt, expiresAt }: AccountItem): Pick<AccountItem, 'toldAt'> {
  if (state !== 'reported' || toldAt !== undefined) return {};
  return { toldAt: new Date((expiresAt - KEPT_SECONDS) * 1000).toISOString() };
}

/** The last probes of each rule: polls of several are under way at once. */
function probesWith({ rule, poll, job }: Probe, known?: AccountItem): AccountItem['probes'] {
  return { ...known?.probes, [rule]: { poll, job } };
}

function itemOf(
  account: string,
  item: Pick<AccountItem, 'since' | 'state' | 'writer' | 'probes' | 'toldAt'>,
  now: number,
): AccountItem {
  const expiresAt = Math.floor(now / 1000) + KEPT_SECONDS;
  return { ...item, ...accountKey(account), version: 1, account, expiresAt };
}

/** No other report has noticed the account in the meantime. The SDK may send a write twice: its own lets the second pass. */
function isForgotten(writer: string, now: number): Condition {
  return {
    expression:
      'attribute_not_exists(pk) OR (#version = :version AND (#expiresAt < :now OR #writer = :writer))',
    names: { '#version': 'version', '#expiresAt': 'expiresAt', '#writer': 'writer' },
    values: { ':version': 1, ':now': Math.floor(now / 1000), ':writer': writer },
  };
}

/** The item is as it was read, or the one that is to be written. */
function isUnchanged({ writer: known }: AccountItem, writer: string): Condition {
  return {
    expression: '#writer = :known OR #writer = :writer',
    names: { '#writer': 'writer' },
    values: { ':known': known, ':writer': writer },
  };
}
