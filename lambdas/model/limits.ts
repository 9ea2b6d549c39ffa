import { z } from 'zod';

const number = z.number().int().positive();

/** The most resources that a rule may change within an hour. */
export const limitsSchema = z.strictObject({ per_account_per_hour: number, per_rule_per_hour: number });
export type Limits = z.infer<typeof limitsSchema>;
export type LimitName = keyof Limits;

/** A count of a rule's changes: in one account, or in all. */
export interface Counter {
  readonly rule: string;
  readonly scope: string | 'all';
}

/** The changes that a limit counts together. */
interface Counted {
  /** The scope of the counter that a job of an account counts in. */
  readonly scopeOf: (job: { readonly account: string }) => Counter['scope'];
  /** Names a scope in words. */
  readonly words: (scope: Counter['scope']) => string;
}

/** Changes that each limit counts, in the order in which room is reserved. */
const counted: Readonly<Record<LimitName, Counted>> = {
  per_account_per_hour: { scopeOf: ({ account }) => account, words: (account) => `account ${account}` },
  per_rule_per_hour: { scopeOf: () => 'all', words: () => 'all accounts together' },
};

/**
 * The limits of settings that name none, the same as Terraform's. In an account, the result of a day's work is a handful
 * of resources per rule; a rule that is wrong finds hundreds.
 */
export const defaultLimits: Limits = { per_account_per_hour: 50, per_rule_per_hour: 200 };

const limitNames = limitsSchema.keyof().options;

/** A limit of changes within an hour. */
export interface ChangeLimit {
  readonly name: LimitName;
  readonly counter: Counter;
  readonly most: number;
}

/** The job of a rule whose changes are counted. */
export interface CountedJob {
  readonly account: string;
  readonly poll: { readonly rule: string };
}

/** The counters of a job's changes. */
export function countersOf(job: CountedJob): Counter[] {
  return limitNames.map((name) => counterOf(name, job));
}

/** The limits of a job's changes. */
export function limitsOf(job: CountedJob, limits: Limits): ChangeLimit[] {
  return limitNames.map((name) => ({ name, counter: counterOf(name, job), most: limits[name] }));
}

/** The setting of a limit, as users write it. */
export function settingOf({ name }: ChangeLimit): string {
  return `limits.${name}`;
}

/** A limit in words. */
export function describeLimit({ name, counter: { rule, scope }, most }: ChangeLimit): string {
  return `${rule} changes at most ${most} resources per hour in ${counted[name].words(scope)}`;
}

function counterOf(name: LimitName, job: CountedJob): Counter {
  return { rule: job.poll.rule, scope: counted[name].scopeOf(job) };
}
