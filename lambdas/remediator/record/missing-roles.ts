import { randomUUID } from 'node:crypto';
import type { Condition, FindingsTable } from '../../aws/findings-table.ts';
import type { Clock } from '../../model/clock.ts';
import type { RoleMissing, RoleMissingEvent } from '../../model/role-missing.ts';
import { type AccountItem, accountItemSchema, accountKey, parseItem } from '../../model/table-items.ts';

/** Duration that a StackSet may take to give an account its role before it is reported. */
const GRACE_MILLISECONDS = 3_600_000;

/** An account is forgotten after so long, so that what lasts is reported again. */
const KEPT_SECONDS = 7 * 86_400;

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

  /** @throws AWS's own error; the account is then reported by a later job */
  async report(missing: RoleMissing): Promise<void> {
    const { account } = missing;
    const now = this.#clock.now();
    const known = await this.#find(account, now);
    const writer = randomUUID();
    if (known === undefined) {
      const item = itemOf(account, { since: new Date(now).toISOString(), state: 'noticed', writer }, now);
      await this.#table.putIf({ item, condition: isForgotten(writer, now) });
      return;
    }
    const { since } = known;
    if (known.state === 'reported' || now - Date.parse(since) < GRACE_MILLISECONDS) return;
    // First the item, so that of jobs in several regions one reports it.
    const item = itemOf(account, { since, state: 'reported', writer }, now);
    if (!(await this.#table.putIf({ item, condition: isUnchanged(known, writer) })).isWritten) return;
    try {
      await this.#publish({ version: 1, ...missing, since });
    } catch (error) {
      const { writer: again } = known;
      await this.#table.putIf({ item: known, condition: isUnchanged(item, again) });
      throw error;
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

function itemOf(
  account: string,
  item: Pick<AccountItem, 'since' | 'state' | 'writer'>,
  now: number,
): AccountItem {
  const expiresAt = Math.floor(now / 1000) + KEPT_SECONDS;
  return { ...accountKey(account), version: 1, account, ...item, expiresAt };
}

/** No other report has noticed the account meanwhile. The SDK may send a write twice: its own lets the second pass. */
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
