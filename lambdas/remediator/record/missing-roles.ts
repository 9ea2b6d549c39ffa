import { randomUUID } from 'node:crypto';
import type { Condition, FindingsTable } from '../../aws/findings-table.ts';
import type { Clock } from '../../model/clock.ts';
import type { RoleMissing, RoleMissingEvent } from '../../model/role-missing.ts';
import { type AccountItem, accountItemSchema, accountKey, parseItem } from '../../model/table-items.ts';
import { isLost } from './notices.ts';

/** Time that a StackSet has to create the role in an account before the missing role is reported. */
const GRACE_MILLISECONDS = 3_600_000;

/**
 * Time after the last write at which an account's item expires, and time after which a missing role is reported again.
 */
const KEPT_SECONDS = 7 * 86_400;

/** Maximum number of attempts to write, because several jobs may write an account's item at the same time. */
const CLAIMS = 4;

/** Job that checks whether the role is back, with its rule and poll. */
export interface Probe {
  readonly rule: string;
  readonly poll: string;
  readonly job: string;
}

/**
 * Reports accounts without the target role, once per account, regardless of the number of findings, jobs, rules, and
 * regions. An account is reported after an hour, because a StackSet may still be creating the role.
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
   * Notes that an account lacks the role, and reports it when that is due.
   * @param probe the job that could not assume the role: no other job of its poll checks again
   * @throws AWS's own error; a later job then reports the account
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
    const item = itemOf(account, { since, state: 'reported', writer, probes, toldAt, isSent: false }, now);
    if (!(await this.#table.putIf({ item, condition: isUnchanged(known, writer) })).isWritten) return;
    try {
      await this.#publish({ version: 1, ...missing, since });
    } catch (error) {
      const { writer: again } = known;
      await this.#table.putIf({ item: known, condition: isUnchanged(item, again) });
      throw error;
    }
    // If this fails, a later job reports the account again.
    await this.#change(account, (current) =>
      current.toldAt === toldAt && current.isSent === false ? { ...current, isSent: undefined } : undefined,
    ).catch(() => undefined);
  }

  /**
   * Claims, for one poll, the check of whether an account's missing role exists again.
   * @returns whether this job checks; true for every job if the account is no longer known to lack the role
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
    // Other jobs wrote the item each time, so one of them checks.
    return false;
  }

  /** Lets the item of an account whose role is back expire, so that later jobs assume the role without a check. */
  async forget(account: string): Promise<void> {
    await this.#change(account, (known) => ({
      ...known,
      expiresAt: Math.floor(this.#clock.now() / 1000) - 1,
    }));
  }

  /**
   * Changes the item of an account, if there is one, and repeats this if another job changed it in the meantime.
   * @param change returns undefined if there is nothing to change
   */
  async #change(account: string, change: (known: AccountItem) => AccountItem | undefined): Promise<void> {
    for (let attempt = 1; attempt <= CLAIMS; attempt += 1) {
      const known = await this.#find(account, this.#clock.now());
      const changed = known && change(known);
      if (known === undefined || changed === undefined) return;
      const writer = randomUUID();
      const item = { ...changed, writer };
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

/** Checks whether the missing role was reported within the last week, or another function is about to report it. */
function wasReported({ state, toldAt, expiresAt, isSent }: AccountItem, now: number): boolean {
  if (state !== 'reported') return false;
  // Items of older versions do not contain the time. They expire a week after the notification.
  if (toldAt === undefined) return expiresAt * 1000 >= now;
  const at = Date.parse(toldAt);
  return !isLost(isSent, at, now) && now - at < KEPT_SECONDS * 1000;
}

/** Returns the time of the notification. For items of older versions, it is derived from their expiry. */
function reportedAt({ state, toldAt, expiresAt }: AccountItem): Pick<AccountItem, 'toldAt'> {
  if (state !== 'reported' || toldAt !== undefined) return {};
  return { toldAt: new Date((expiresAt - KEPT_SECONDS) * 1000).toISOString() };
}

/** Adds a probe to the last probe of each other rule, because polls of several rules run at the same time. */
function probesWith({ rule, poll, job }: Probe, known?: AccountItem): AccountItem['probes'] {
  return { ...known?.probes, [rule]: { poll, job } };
}

function itemOf(
  account: string,
  item: Pick<AccountItem, 'since' | 'state' | 'writer' | 'probes' | 'toldAt' | 'isSent'>,
  now: number,
): AccountItem {
  const expiresAt = Math.floor(now / 1000) + KEPT_SECONDS;
  return { ...item, ...accountKey(account), version: 1, account, expiresAt };
}

/**
 * Requires that there is no item that has not expired, except for the item of this write, because the SDK may send it
 * twice.
 */
function isForgotten(writer: string, now: number): Condition {
  return {
    expression:
      'attribute_not_exists(pk) OR (#version = :version AND (#expiresAt < :now OR #writer = :writer))',
    names: { '#version': 'version', '#expiresAt': 'expiresAt', '#writer': 'writer' },
    values: { ':version': 1, ':now': Math.floor(now / 1000), ':writer': writer },
  };
}

/** Requires that the item has not changed since it was read, or already has the content of this write. */
function isUnchanged({ writer: known }: AccountItem, writer: string): Condition {
  return {
    expression: '#writer = :known OR #writer = :writer',
    names: { '#writer': 'writer' },
    values: { ':known': known, ':writer': writer },
  };
}
