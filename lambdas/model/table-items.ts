import { z } from 'zod';
import { backOffSchema } from './back-off.ts';
import { UnreadableItemError } from './errors.ts';
import { resourceInKey } from './evidence-keys.ts';
import { accountIdSchema, regionSchema, ruleIdSchema, timestampSchema } from './finding.ts';
import { occasionSchema, pollId, pollSchema } from './job.ts';
import { appliedChangeSchema, holdingGateSchema } from './outcome.ts';
import { outcomeNameSchema } from './outcome-names.ts';

/** The key of an item of the findings table. */
export interface ItemKey {
  readonly pk: string;
  readonly sk: string;
}

/** Fields of every item. An item of another version has another schema, and is neither read nor overwritten. */
const itemSchema = z.object({
  pk: z.string().min(1),
  sk: z.string().min(1),
  version: z.literal(1),
  /** Epoch seconds after which DynamoDB may delete the item, up to days later. Readers must compare the time. */
  expiresAt: z.number().int().positive(),
});

type Item = z.infer<typeof itemSchema>;

/**
 * The lease of a job. `held`: an attempt has it until `until`, after which any attempt may take it. `released`: an
 * attempt ended and left work. `recorded`: only its events may be left to send. `done`: no work is left.
 */
export const leaseItemSchema = itemSchema.extend({
  state: z.enum(['held', 'released', 'recorded', 'done']),
  /** The attempt that wrote the lease. */
  holder: z.string().min(1),
  /** Milliseconds since 1970. */
  until: z.number().int().nonnegative(),
  poll: occasionSchema,
  /** The message whose attempt wrote the lease: see `sendingOf`. Missing for requests, and jobs of version 0.1.0. */
  sending: z.string().min(1).optional(),
});
export type LeaseItem = z.infer<typeof leaseItemSchema>;

const resourceShape = {
  account: accountIdSchema,
  region: z.union([z.literal('global'), regionSchema]),
  resource: z.string(),
};

/** Number of outcome changes that a finding's item keeps. */
export const REMEMBERED_CHANGES = 20;

/**
 * The state of a finding across polls, from any source. It is written when the outcome changes or a resource was
 * changed, and otherwise once a week.
 */
export const findingItemSchema = itemSchema.extend({
  ...resourceShape,
  rule: ruleIdSchema,
  outcome: outcomeNameSchema,
  reason: z.string().optional(),
  /** The gate that held the finding back, if any. */
  gate: holdingGateSchema.optional(),
  /** The poll that set the current outcome. */
  since: timestampSchema,
  /** The first poll that reported the finding. */
  firstSeen: timestampSchema,
  /** The last poll that reported the finding; up to a week old while the source still reports it. */
  lastSeen: timestampSchema,
  /** Number of times that the finding was remediated or became `failed`. */
  attempts: z.number().int().nonnegative(),
  /** The number of consecutive failures; missing if the last outcome was not a failure. */
  backOff: backOffSchema.optional(),
  /** Times of the last notifications about the finding, by kind. */
  told: z
    .object({ recurring: timestampSchema.optional(), lasting_deferral: timestampSchema.optional() })
    .optional(),
  /** The last changes of the outcome, oldest first. */
  changes: z
    .array(
      z.object({
        outcome: outcomeNameSchema,
        at: timestampSchema,
        poll: occasionSchema,
        /** The key of the evidence object with the outcome's line. */
        evidence: z.string(),
      }),
    )
    .max(REMEMBERED_CHANGES),
});
export type FindingItem = z.infer<typeof findingItemSchema>;

/**
 * Changes that any rule recently applied to a resource. AWS may return the state from before a write for minutes, and
 * nothing may be changed based on such a read.
 */
export const changedItemSchema = itemSchema.extend({
  ...resourceShape,
  changes: z.array(
    appliedChangeSchema.extend({
      rule: z.string(),
      /** The journal of the job that applied it; missing in older items. */
      job: z.string().optional(),
      /** Set if it undid another change. The undone change is then no longer listed. */
      undo: z.literal(true).optional(),
    }),
  ),
  /** The id of the last write, by which a writer recognizes its own write. Older versions do not write it. */
  writer: z.string().optional(),
});
export type ChangedItem = z.infer<typeof changedItemSchema>;

/** A resource that was changed. */
export type ChangedResource = Pick<ChangedItem, 'account' | 'region' | 'resource'>;

/**
 * The evidence objects that the jobs of one poll write, for one rule, account and region. A repeated poll may
 * distribute findings differently over jobs if the source's order changed. This item shows those jobs which findings
 * have an outcome, even if nothing is new.
 */
export const doneItemSchema = itemSchema.extend({
  rule: ruleIdSchema,
  account: accountIdSchema,
  /** The region whose remediator works on the jobs. */
  region: regionSchema,
  poll: occasionSchema,
  /** One entry per evidence object, added before the object is written. Oldest first. */
  jobs: z.array(
    z.object({
      /**
       * The job's id and the number of the object, which form its key. Older versions write 0 if there is no object.
       */
      job: z.string(),
      number: z.number().int().nonnegative(),
      /** The run of the collector that sent the job. Older versions do not write it. */
      run: z.string().optional(),
      /** The journal's id if it differs from the job's, because the job continues an earlier one. */
      journal: z.string().optional(),
    }),
  ),
  /** The id of the last write, by which a writer recognizes its own write. Older versions do not write it. */
  writer: z.string().optional(),
});
export type DoneItem = z.infer<typeof doneItemSchema>;

/** Builds the key `done#<rule>#<account>#<region>` / `<poll>`. */
export function doneKey({ rule, account, region, poll }: Omit<DoneItem, keyof Item | 'jobs'>): ItemKey {
  return { pk: `${DONE}${rule}#${account}#${region}`, sk: pollId(poll) };
}

/** The prefix of the partition keys of done jobs. */
export const DONE = 'done#';

/** Jobs that a completed poll has sent for a rule, account and region. */
export const sentItemSchema = itemSchema.extend({
  rule: ruleIdSchema,
  account: accountIdSchema,
  /** The region whose remediator works on the jobs. */
  region: regionSchema,
  poll: pollSchema,
  /** The poll's time, in whole seconds. The times sort as text. */
  at: timestampSchema,
  jobs: z.number().int().nonnegative(),
  /** Time after which unfinished jobs count as lost. */
  until: timestampSchema,
  /**
   * The first of the consecutive polls that found earlier jobs unfinished; missing if the last poll found them done.
   */
  behindSince: timestampSchema.optional(),
});
export type SentItem = z.infer<typeof sentItemSchema>;

/** Builds the key `sent#<rule>#<account>#<region>` / `last`. */
export function sentKey({ rule, account, region }: Pick<SentItem, 'rule' | 'account' | 'region'>): ItemKey {
  return { pk: `sent#${rule}#${account}#${region}`, sk: 'last' };
}

/** An account in which the remediators could not assume their role. The item expires after a week. */
export const accountItemSchema = itemSchema.extend({
  account: accountIdSchema,
  since: timestampSchema,
  /** `reported` after people were notified. */
  state: z.enum(['noticed', 'reported']),
  /** The id of the report that wrote the item, by which a report recognizes its own write. */
  writer: z.string().min(1),
  /** Map from each rule to the last poll that had a job check whether the role is back, and that job. */
  probes: z.record(ruleIdSchema, z.object({ poll: z.string().min(1), job: z.string().min(1) })).optional(),
  /** The time of the last notification; missing in older items. */
  toldAt: timestampSchema.optional(),
  /** `false` until that notification is sent. */
  isSent: z.literal(false).optional(),
});
export type AccountItem = z.infer<typeof accountItemSchema>;

/** Builds the key `account#<account>` / `role`, which all regions share, so that one job reports the account. */
export function accountKey(account: string): ItemKey {
  return { pk: `account#${account}`, sk: 'role' };
}

/** The time of a rule's last complete poll or, before its first poll, the time from which polls are expected. */
export const pollItemSchema = itemSchema.extend({
  rule: ruleIdSchema,
  at: timestampSchema,
  /** The last complete poll. */
  poll: pollSchema.optional(),
});
export type PollItem = z.infer<typeof pollItemSchema>;

/** Builds the key `poll#<rule>` / `last`. */
export function pollKey(rule: string): ItemKey {
  return { pk: `poll#${rule}`, sk: 'last' };
}

/** Builds the key `lease#<region>#<job>` / `lease`. Each region's remediator can write only its own leases. */
export function leaseKey(region: string, job: string): ItemKey {
  return { pk: `lease#${region}#${job}`, sk: 'lease' };
}

/**
 * Builds the key `finding#<account>#<region>#<resource, URL-encoded>` / `<rule>`. It does not contain the source: two
 * sources share an item.
 */
export function findingItemKey({ rule, ...resource }: Pick<FindingItem, 'rule'> & ChangedResource): ItemKey {
  return { ...changedKey(resource), sk: rule };
}

/** The sort key of recent changes. Rule ids, the other sort keys of the partition, contain no number sign. */
export const CHANGED = '#changed';

/**
 * Builds the key `finding#<account>#<region>#<resource, URL-encoded>` / `#changed`, in the partition of the resource's
 * findings.
 */
export function changedKey({ account, region, resource }: ChangedResource): ItemKey {
  return { pk: `finding#${account}#${region}#${resourceInKey(resource)}`, sk: CHANGED };
}

const anyItemSchema = z.looseObject({ pk: z.string(), sk: z.string(), version: z.unknown() }).partial();

/** Parses an item. @throws UnreadableItemError if it does not match the schema, for example because a newer version wrote it */
export function parseItem<T>(schema: z.ZodType<T>, item: unknown): T {
  const parsed = schema.safeParse(item);
  if (parsed.success) return parsed.data;
  const { pk, sk, version } = anyItemSchema.parse(item);
  throw new UnreadableItemError(
    `item ${pk} / ${sk} of the findings table has version ${JSON.stringify(version)}, but this function reads version 1: ${z.prettifyError(parsed.error)}`,
    { cause: parsed.error },
  );
}
