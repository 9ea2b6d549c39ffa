import { createHash } from 'node:crypto';
import { z } from 'zod';
import { accountIdSchema, regionSchema, ruleIdSchema, timestampSchema } from './finding.ts';
import type { ItemKey } from './table-items.ts';

/**
 * Requests of operators, as items of the findings table, which the command line writes and the remediators act on. A
 * message only names a request. The permission to write the item is what authorizes it.
 *
 * The command line writes, in this order: the holds (`operator-items.ts`), `requestKey`, `pendingKey`, and the message
 * to the region's queue, which starts a remediator that has no other work. A remediator with jobs reads `pendingKey`
 * before each job.
 */

/** Maximum number of fixes that one request undoes. A larger selection becomes several requests. */
export const MOST_UNDONE = 25;

/** The time within which a request must begin. After that it is refused, because its circumstances may have changed. */
export const REQUEST_VALID_MILLISECONDS = 3_600_000;

/** The kinds of requests. */
export const requestKindSchema = z.enum(['undo', 'check']);
export type RequestKind = z.infer<typeof requestKindSchema>;

/**
 * The `aws:userid` of the writer of a request, which IAM compares with the item's key (IAM user guide, "Principal key
 * values"): `AROA…:<session>` for a role, `AIDA…` for a user. STS's `GetCallerIdentity` returns it as `UserId`.
 */
export const principalSchema = z
  .string()
  .max(200)
  .regex(/^[A-Z0-9]+(:[\w+=,.@-]+)?$/, 'expected an aws:userid such as AROA…:name');

/** The name of a request. */
export const requestNameSchema = z.object({ principal: principalSchema, id: z.uuid() });
export type RequestName = z.infer<typeof requestNameSchema>;

/** The key of an object of outcomes in the evidence bucket, as `outcomesKey` builds it. */
export const outcomesKeySchema = z
  .string()
  .regex(
    /^outcomes\/date=\d{4}-\d{2}-\d{2}\/rule=[a-z0-9-]+\/[0-9a-f]{64}-\d+\.jsonl\.gz$/,
    'expected the key of an object of outcomes',
  );

/** A fix to undo: all changes that one line of evidence lists as applied. The remediator reads them there. */
export const fixSchema = z.object({
  rule: ruleIdSchema,
  /** The region in the finding: `global` for a resource without a region. */
  region: z.union([z.literal('global'), regionSchema]),
  /** The finding's resource. */
  resource: z.string().min(1).max(2048),
  /** The object with the line: the last one of its poll, which no other line replaces. */
  evidence: outcomesKeySchema,
});
export type Fix = z.infer<typeof fixSchema>;

const itemShape = {
  version: z.literal(1),
  account: accountIdSchema,
  /** The region whose remediator acts on the request: the region of the job that made the fixes. */
  region: regionSchema,
  /** Time of the request. Work must begin within `REQUEST_VALID_MILLISECONDS`. */
  at: timestampSchema,
  /** The person to ask: the caller's ARN. It is informative; the principal in the key is what IAM verifies. */
  by: z.string().trim().min(1).max(2048),
  reason: z.string().trim().min(1).max(1000),
  /** Epoch seconds after which DynamoDB may delete the item: weeks later, so that it remains as a record. */
  expiresAt: z.number().int().positive(),
};

/** A request to undo fixes in one account by one region's remediator. */
export const undoRequestSchema = z.object({
  ...itemShape,
  kind: z.literal('undo'),
  /**
   * The fixes in the order of undoing: newest first. One request contains all fixes to undo for a changed resource. An
   * older fix without the newer ones of its resource is refused.
   */
  fixes: z.array(fixSchema).min(1).max(MOST_UNDONE),
  /**
   * True to undo as much as possible if the resource has changed since. By default, such a fix is not undone at all.
   */
  force: z.boolean().default(false),
});
export type UndoRequest = z.infer<typeof undoRequestSchema>;

/** A request to check whether the account's role can be assumed. Nothing is read or changed there. */
export const checkRequestSchema = z.object({ ...itemShape, kind: z.literal('check') });
export type CheckRequest = z.infer<typeof checkRequestSchema>;

/** The content of a request, which an operator writes once and nobody changes. */
export const requestItemSchema = z.discriminatedUnion('kind', [undoRequestSchema, checkRequestSchema]);
export type RequestItem = z.infer<typeof requestItemSchema>;

/**
 * Builds the key `request#<aws:userid>#<id>` / `request`. Operators can write below their own `aws:userid` only, so the
 * key identifies the requester.
 */
export function requestKey({ principal, id }: RequestName): ItemKey {
  return { pk: `request#${principal}#${id}`, sk: 'request' };
}

/**
 * The names of requests that may not have been acted on yet. The list carries no authority: each name leads to a
 * request or to nothing. A writer reads the item, keeps the entries that have not expired, adds its own, and puts the
 * item on the condition that `writer` is unchanged (or that there is no item).
 */
export const pendingItemSchema = z.object({
  version: z.literal(1),
  writer: z.uuid(),
  /** `at` is the time of the request. An entry expires `REQUEST_VALID_MILLISECONDS` after it. */
  requests: z.array(requestNameSchema.extend({ at: timestampSchema })).max(200),
  expiresAt: z.number().int().positive(),
});
export type PendingItem = z.infer<typeof pendingItemSchema>;

/** Builds the key `pending#<account>#<region>` / `requests`, with the remediator's region. */
export function pendingKey({ account, region }: Pick<RequestItem, 'account' | 'region'>): ItemKey {
  return { pk: `pending#${account}#${region}`, sk: 'requests' };
}

/** A message that starts the remediator. It names a request, but contains none of its content. */
export const requestMessageSchema = z.object({
  version: z.literal(1),
  kind: requestKindSchema,
  request: requestNameSchema,
  account: accountIdSchema,
  region: regionSchema,
  /** The number of this check, if an earlier check has to wait for something. Set by the remediator only. */
  look: z.number().int().positive().optional(),
});
export type RequestMessage = z.infer<typeof requestMessageSchema>;

/** Computes the deduplication id of a request's message. The message group is the account, as for jobs. */
export function requestMessageId({ request, look = 0 }: RequestMessage): string {
  return createHash('sha256')
    .update(JSON.stringify([request.principal, request.id, look]))
    .digest('hex');
}

/** The result of one fix. */
export const undoResultSchema = z.object({
  rule: ruleIdSchema,
  region: z.union([z.literal('global'), regionSchema]),
  resource: z.string(),
  /** The evidence of the fix, as in the request. */
  undoes: z.string(),
  /** `waiting`: AWS is still working on it, or does not show the result yet; it is checked again. */
  is: z.enum(['undone', 'undo_refused', 'waiting']),
  reason: z.string().optional(),
  /** The key of the evidence object with the outcome's line. */
  evidence: z.string().optional(),
});
export type UndoResult = z.infer<typeof undoResultSchema>;

/** The result of a request so far. Written when work begins, after each fix, and at the end. */
export const requestResultSchema = z.object({
  version: z.literal(1),
  kind: requestKindSchema,
  account: accountIdSchema,
  region: regionSchema,
  /**
   * `working`: in progress. `waiting`: in progress, and checked again later. `done`: see `results`. `refused`: refused
   * as a whole for `reason`; nothing was changed.
   */
  state: z.enum(['working', 'waiting', 'done', 'refused']),
  reason: z.string().optional(),
  beganAt: timestampSchema,
  endedAt: timestampSchema.optional(),
  results: z.array(undoResultSchema),
  expiresAt: z.number().int().positive(),
});
export type RequestResult = z.infer<typeof requestResultSchema>;

/**
 * Builds the key `result#<account>#<region>#<aws:userid>#<id>` / `result`. Only the region's remediator writes the
 * item.
 */
export function resultKey(
  { account, region }: Pick<RequestItem, 'account' | 'region'>,
  { principal, id }: RequestName,
): ItemKey {
  return { pk: `result#${account}#${region}#${principal}#${id}`, sk: 'result' };
}

/**
 * A pointer to the evidence of one undo, which lets lists of outcomes include undos, because they belong to no poll.
 */
export const undoneItemSchema = z.object({
  version: z.literal(1),
  account: accountIdSchema,
  rule: ruleIdSchema,
  /** The key of the evidence object. The item is written before the object. */
  evidence: outcomesKeySchema,
  expiresAt: z.number().int().positive(),
});
export type UndoneItem = z.infer<typeof undoneItemSchema>;

/** Builds the partition key `undone#<region>`, with the remediator's region. */
export function undonePartition(region: string): string {
  return `undone#${region}`;
}

/** Returns the prefix of the sort keys of requests at a time. The prefixes sort by time. */
export function undoneMoment(at: string | Date): string {
  return new Date(at).toISOString().slice(0, 19);
}

/** Builds the key `undone#<region>` / `<time of the request>#<digest of the evidence's key>`. */
export function undoneKey({ region, at }: Pick<RequestItem, 'region' | 'at'>, evidence: string): ItemKey {
  const digest = createHash('sha256').update(evidence).digest('hex');
  return { pk: undonePartition(region), sk: `${undoneMoment(at)}#${digest}` };
}
