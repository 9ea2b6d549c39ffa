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

/**
 * Fields that every item holds. An item of another version has another schema and is neither read nor overwritten.
 */
const itemSchema = z.object({
  pk: z.string().min(1),
  sk: z.string().min(1),
  version: z.literal(1),
  /** Epoch seconds after which DynamoDB may delete the item. Deleting takes days, so readers must compare the time. */
  expiresAt: z.number().int().positive(),
});

type Item = z.infer<typeof itemSchema>;

/**
 * The lease of a job. `held` until `until`, then anyone's; `released` by an attempt that left something to do; `done`
 * when nothing is left.
 */
export const leaseItemSchema = itemSchema.extend({
  state: z.enum(['held', 'released', 'done']),
  /** The attempt that wrote it. */
  holder: z.string().min(1),
  /** Milliseconds since 1970. */
  until: z.number().int().nonnegative(),
  poll: occasionSchema,
});
export type LeaseItem = z.infer<typeof leaseItemSchema>;

const resourceShape = {
  account: accountIdSchema,
  region: z.union([z.literal('global'), regionSchema]),
  resource: z.string(),
};

/** Number of changes of its outcome that a finding's item remembers. */
export const REMEMBERED_CHANGES = 20;

/**
 * Knowledge of a finding from one poll to the next, from any source. It is written when the outcome changes
 * or something was changed, and otherwise once a week.
 */
export const findingItemSchema = itemSchema.extend({
  ...resourceShape,
  rule: ruleIdSchema,
  outcome: outcomeNameSchema,
  reason: z.string().optional(),
  /** The gate that held it back, if any. */
  gate: holdingGateSchema.optional(),
  /** The poll that set the current outcome. */
  since: timestampSchema,
  /** The first poll that gave the finding. */
  firstSeen: timestampSchema,
  /** The last poll that reported it; at most a week old while it is reported. */
  lastSeen: timestampSchema,
  /** Number of times that it was remediated, or became `failed`. */
  attempts: z.number().int().nonnegative(),
  /** The number of consecutive failures; missing if the last outcome was not a failure. */
  backOff: backOffSchema.optional(),
  /** Times of the last messages to people about it, by kind. */
  told: z
    .object({ recurring: timestampSchema.optional(), lasting_deferral: timestampSchema.optional() })
    .optional(),
  /** The last changes of its outcome. Oldest first. */
  changes: z
    .array(
      z.object({
        outcome: outcomeNameSchema,
        at: timestampSchema,
        poll: occasionSchema,
        /** The key of the object in the evidence bucket that has the outcome's line. */
        evidence: z.string(),
      }),
    )
    .max(REMEMBERED_CHANGES),
});
export type FindingItem = z.infer<typeof findingItemSchema>;

/**
 * Changes that any rule applied to a resource recently: AWS may answer reads from before a write for
 * minutes, and nothing may be changed on such a read.
 */
export const changedItemSchema = itemSchema.extend({
  ...resourceShape,
  changes: z.array(
    appliedChangeSchema.extend({
      rule: z.string(),
      /** The journal of the job that applied it; missing in older items. */
      job: z.string().optional(),
      /** Set if it undid another change, which is no longer listed. */
      undo: z.literal(true).optional(),
    }),
  ),
  /** The id of its last write, by which a writer recognizes its own. Older versions have none. */
  writer: z.string().optional(),
});
export type ChangedItem = z.infer<typeof changedItemSchema>;

/** A resource that was changed. */
export type ChangedResource = Pick<ChangedItem, 'account' | 'region' | 'resource'>;

/**
 * The evidence objects that the jobs of one poll write, for one rule, account and region. A repeated poll sends findings
 * in different jobs if the source's order changed. This item tells those jobs what was concluded, even if nothing is new.
 */
export const doneItemSchema = itemSchema.extend({
  rule: ruleIdSchema,
  account: accountIdSchema,
  /** The region whose remediator works on the jobs. */
  region: regionSchema,
  poll: occasionSchema,
  /** One entry per object of evidence, from before it is written. Oldest first. */
  jobs: z.array(
    z.object({
      /** The job's id and the object's number, which its key is made of. An older version has 0 where there is none. */
      job: z.string(),
      number: z.number().int().nonnegative(),
      /** The run of the collector that sent the job. An older version does not name it. */
      run: z.string().optional(),
      /** The journal's id if it differs from the job's, because the job continues an earlier one. */
      journal: z.string().optional(),
    }),
  ),
  /** The id of its last write, by which a writer recognizes its own. Older versions have none. */
  writer: z.string().optional(),
});
export type DoneItem = z.infer<typeof doneItemSchema>;

/** `done#<rule>#<account>#<region>`, by poll. */
export function doneKey({ rule, account, region, poll }: Omit<DoneItem, keyof Item | 'jobs'>): ItemKey {
  return { pk: `${DONE}${rule}#${account}#${region}`, sk: pollId(poll) };
}

/** Prefix of the partition keys of the jobs done. */
export const DONE = 'done#';

/** Jobs that a completed poll has sent for a rule, account and region. */
export const sentItemSchema = itemSchema.extend({
  rule: ruleIdSchema,
  account: accountIdSchema,
  /** The region whose remediator works on the jobs. */
  region: regionSchema,
  poll: pollSchema,
  /** The poll's moment, in whole seconds: later polls have later ones, as texts too. */
  at: timestampSchema,
  jobs: z.number().int().nonnegative(),
  /** Time after which unfinished jobs count as lost. */
  until: timestampSchema,
  /** The first consecutive poll that found earlier jobs unfinished; missing if the last poll found them done. */
  behindSince: timestampSchema.optional(),
});
export type SentItem = z.infer<typeof sentItemSchema>;

/** `sent#<rule>#<account>#<region>`: the last jobs. */
export function sentKey({ rule, account, region }: Pick<SentItem, 'rule' | 'account' | 'region'>): ItemKey {
  return { pk: `sent#${rule}#${account}#${region}`, sk: 'last' };
}

/** An account in which the remediators could not assume their role. The item expires after a week. */
export const accountItemSchema = itemSchema.extend({
  account: accountIdSchema,
  since: timestampSchema,
  /** `reported` after a message was sent to people. */
  state: z.enum(['noticed', 'reported']),
  /** The report that wrote the item, by which a report recognizes its own write. */
  writer: z.string().min(1),
  /** The last poll of each rule that had a job check whether the role is back, and that job. */
  probes: z.record(ruleIdSchema, z.object({ poll: z.string().min(1), job: z.string().min(1) })).optional(),
  /** Time of the last message to people; missing in older items. */
  toldAt: timestampSchema.optional(),
});
export type AccountItem = z.infer<typeof accountItemSchema>;

/** `account#<account>`: shared by all regions, so that only one of their jobs reports it. */
export function accountKey(account: string): ItemKey {
  return { pk: `account#${account}`, sk: 'role' };
}

/** The time of the last complete poll of a rule or, before its first poll, the time from which it should be polled. */
export const pollItemSchema = itemSchema.extend({
  rule: ruleIdSchema,
  at: timestampSchema,
  /** The poll that was completed. */
  poll: pollSchema.optional(),
});
export type PollItem = z.infer<typeof pollItemSchema>;

/** `poll#<rule>` */
export function pollKey(rule: string): ItemKey {
  return { pk: `poll#${rule}`, sk: 'last' };
}

/** `lease#<region>#<job>`: each region's remediator writes only its jobs'. */
export function leaseKey(region: string, job: string): ItemKey {
  return { pk: `lease#${region}#${job}`, sk: 'lease' };
}

/** `finding#<account>#<region>#<resource, URL-encoded>`, by rule: two sources share an item. */
export function findingItemKey({ rule, ...resource }: Pick<FindingItem, 'rule'> & ChangedResource): ItemKey {
  return { ...changedKey(resource), sk: rule };
}

/** The sort key of recent changes, beside those of the rules, which have no number sign. */
export const CHANGED = '#changed';

/** `finding#<account>#<region>#<resource, URL-encoded>`, beside what is known of the resource's findings. */
export function changedKey({ account, region, resource }: ChangedResource): ItemKey {
  return { pk: `finding#${account}#${region}#${resourceInKey(resource)}`, sk: CHANGED };
}

const anyItemSchema = z.looseObject({ pk: z.string(), sk: z.string(), version: z.unknown() }).partial();

/** @throws UnreadableItemError when the item has another form, for instance that of a newer version */
export function parseItem<T>(schema: z.ZodType<T>, item: unknown): T {
  const parsed = schema.safeParse(item);
  if (parsed.success) return parsed.data;
  const { pk, sk, version } = anyItemSchema.parse(item);
  throw new UnreadableItemError(
    `item ${pk} / ${sk} of the findings table has version ${JSON.stringify(version)}, and this function reads version 1: ${z.prettifyError(parsed.error)}`,
    { cause: parsed.error },
  );
}
