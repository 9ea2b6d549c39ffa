import { randomUUID } from 'node:crypto';
import type { Condition, FindingsTable } from '../../aws/findings-table.ts';
import type { Clock } from '../../model/clock.ts';
import type { RoleMissing, RoleMissingEvent } from '../../model/role-missing.ts';
import { type AccountItem, accountItemSchema, accountKey, parseItem } from '../../model/table-items.ts';

/** Time that a StackSet has to create the role in an account before its absence is reported. */
const GRACE_MILLISECONDS = 3_600_000;

/** Time after which an account without news is forgotten, and a lasting problem is reported again. */
const KEPT_SECONDS = 7 * 86_400;

/** Maximum number of attempts at a write, as several jobs may write an account's item at once. */
const CLAIMS = 4;

/** A job that checks whether the role is back, and its poll. */
export interface Probe {
  readonly rule: string;
  readonly poll: string;
  readonly job: string;
}

/**
 * Reports accounts without the target role: once per account, regardless of the number of findings, jobs, rules and
 * regions, and not before an hour has passed, during which a StackSet may still create the role.
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
   * @param probe the job that could not assume the role, and its poll: no other job of the poll checks again
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
    // The item is written first, so that only one of several regions' jobs reports the account.
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
   * Claims the check, within its poll, whether an account's missing role is back.
   * @returns whether this job has the claim. If the account is no longer known to lack the role, every job may check
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
    // Other jobs keep writing the item, so one of them checks.
    return false;
  }

  /** Deletes the item of an account whose role is back, so that later jobs simply assume the role. */
  async forget(account: string): Promise<void> {
    for (let attempt = 1; attempt <= CLAIMS; attempt += 1) {
      const known = await this.#find(account, this.#clock.now());
      if (known === undefined) return;
      const writer = randomUUID();
      const item = { ...known, writer, expiresAt: Math.floor(this.#clock.now() / 1000) - 1 };
      if ((await this.#table.putIf({ item, condition: isUnchanged(known, writer) })).isWritten) return;
    }
  }

  /** Reads the item of an account, unless it has expired: DynamoDB may take days to delete it. */
  async #find(account: string, now: number): Promise<AccountItem | undefined> {
    const [found] = await this.#table.read([accountKey(account)]);
    if (found === undefined) return undefined;
    const item = parseItem(accountItemSchema, found);
    return item.expiresAt * 1000 < now ? undefined : item;
  }
}

/** Reports whether people were notified within the last week. */
function wasReported({ state, toldAt, expiresAt }: AccountItem, now: number): boolean {
  if (state !== 'reported') return false;
  // Items of older versions lack the time; they expire a week after the message.
  if (toldAt === undefined) return expiresAt * 1000 >= now;
  return now - Date.parse(toldAt) < KEPT_SECONDS * 1000;
}

/** Returns the time of the message; items of older versions imply it by their expiry. */
function reportedAt({ state, toldAt, expiresAt }: AccountItem): Pick<AccountItem, 'toldAt'> {
  if (state !== 'reported' || toldAt !== undefined) return {};
  return { toldAt: new Date((expiresAt - KEPT_SECONDS) * 1000).toISOString() };
}

/** Lists the last probe of each rule, because polls of several rules run at the same time. */
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

/**
 * Requires that no other job has written the account's item in the meantime. The SDK may send a write twice, so this
 * write's own item is accepted.
 */
function isForgotten(writer: string, now: number): Condition {
  return {
    expression:
      'attribute_not_exists(pk) OR (#version = :version AND (#expiresAt < :now OR #writer = :writer))',
    names: { '#version': 'version', '#expiresAt': 'expiresAt', '#writer': 'writer' },
    values: { ':version': 1, ':now': Math.floor(now / 1000), ':writer': writer },
  };
}

/** Requires that the item is as it was read, or already has this write's content. */
function isUnchanged({ writer: known }: AccountItem, writer: string): Condition {
  return {
    expression: '#writer = :known OR #writer = :writer',
    names: { '#writer': 'writer' },
    values: { ':known': known, ':writer': writer },
  };
}
