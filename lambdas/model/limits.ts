import { z } from 'zod';

const number = z.number().int().positive();

/** The maximum numbers of resources that a rule may change within an hour. */
export const limitsSchema = z.strictObject({ per_account_per_hour: number, per_rule_per_hour: number });
export type Limits = z.infer<typeof limitsSchema>;
export type LimitName = keyof Limits;

/** A counter of a rule's changes: in one account, or in all accounts. */
export interface Counter {
  readonly rule: string;
  readonly scope: string | 'all';
}

/** Describes which changes a limit counts together. */
interface Counted {
  /** Returns the scope of the counter for a job's account. */
  readonly scopeOf: (job: { readonly account: string }) => Counter['scope'];
  /** Names a scope in words. */
  readonly words: (scope: Counter['scope']) => string;
}

/** The changes that each limit counts, in the order in which room is reserved. */
const counted: Readonly<Record<LimitName, Counted>> = {
  per_account_per_hour: { scopeOf: ({ account }) => account, words: (account) => `account ${account}` },
  per_rule_per_hour: { scopeOf: () => 'all', words: () => 'all accounts together' },
};

/**
 * The limits if the settings contain none; the same as Terraform's defaults. On a normal day, a rule changes a handful
 * of resources per account; a faulty rule finds hundreds.
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

/** Returns the counters of a job's changes. */
export function countersOf(job: CountedJob): Counter[] {
  return limitNames.map((name) => counterOf(name, job));
}

/** Returns the limits on a job's changes. */
export function limitsOf(job: CountedJob, limits: Limits): ChangeLimit[] {
  return limitNames.map((name) => ({ name, counter: counterOf(name, job), most: limits[name] }));
}

/** Returns the name of a limit's setting, as users write it. */
export function settingOf({ name }: ChangeLimit): string {
  return `limits.${name}`;
}

/** Describes a limit in words. */
export function describeLimit({ name, counter: { rule, scope }, most }: ChangeLimit): string {
  return `${rule} changes at most ${most} resources per hour in ${counted[name].words(scope)}`;
}

function counterOf(name: LimitName, job: CountedJob): Counter {
  return { rule: job.poll.rule, scope: counted[name].scopeOf(job) };
}
