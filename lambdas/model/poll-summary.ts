import { z } from 'zod';
import { evidencePrefix } from './evidence-keys.ts';
import { accountIdSchema, regionSchema, timestampSchema } from './finding.ts';
import { epochSeconds, type Poll, pollSchema } from './job.ts';

/** Kinds of findings that can't become part of a job. */
export const unprocessableKinds = [
  'malformed_item',
  'malformed_account',
  'malformed_resource',
  'malformed_finding',
  'unknown_region_label',
  'region_missing',
  'region_not_deployed',
] as const;
export type UnprocessableKind = (typeof unprocessableKinds)[number];

/**
 * Reasons to ignore a readable finding: someone muted it in the source, it has passed, or it belongs to another cloud
 * or rule because the source did not filter as requested.
 */
export const leftAloneReasons = ['muted', 'passed', 'other_cloud', 'other_rule'] as const;
export type LeftAloneReason = (typeof leftAloneReasons)[number];

const count = z.int().nonnegative();

const behindSchema = z.object({
  account: accountIdSchema,
  region: regionSchema,
  since: timestampSchema,
  /** The region's alarms that have notified people of the cause. */
  alarms: z.array(z.string()).default([]),
  /** The error that prevented the alarms from being read, if any. */
  notAsked: z.string().optional(),
});

/**
 * The counts of one poll. Every item from the source is counted exactly once: in a job, or as a duplicate, deferred,
 * skipped, unprocessable or ignored (`leftAlone`).
 */
export const pollSummarySchema = z
  .object({
    version: z.literal(1),
    poll: pollSchema,
    /** The rule names for which the source was queried. */
    ruleNames: z.array(z.string()),
    startedAt: timestampSchema,
    finishedAt: timestampSchema,
    pages: count,
    items: count,
    /** Findings in jobs. */
    findings: count,
    duplicates: count,
    /** Findings that the source itself is fixing. Summaries of the first version do not count them. */
    deferred: count.default(0),
    /**
     * Findings of accounts and regions for which the poll created no jobs, because their previous jobs are still
     * pending.
     */
    skipped: count.default(0),
    /** The number of these accounts and regions. */
    skippedPlaces: count.default(0),
    /** The accounts and regions whose jobs have been pending for a long time, and since which poll. */
    behind: z.array(behindSchema).default([]),
    /** Findings of the last complete poll that the source no longer reports; not part of the items. */
    closed: count.default(0),
    unprocessable: z.record(z.enum(unprocessableKinds), count),
    leftAlone: z.record(z.enum(leftAloneReasons), count),
    /** Findings by unknown region label; part of `unprocessable`. */
    unknownRegionLabels: z.record(z.string(), count),
    jobs: count,
    /** The jobs by account and by the region of their queue. */
    destinations: z.array(
      z.object({ account: accountIdSchema, region: regionSchema, jobs: count, findings: count }),
    ),
  })
  .superRefine((summary, context) => {
    const outcomes =
      summary.findings +
      summary.duplicates +
      summary.deferred +
      summary.skipped +
      sum(summary.unprocessable) +
      sum(summary.leftAlone);
    if (outcomes !== summary.items) {
      context.addIssue({
        code: 'custom',
        path: ['items'],
        message: `expected as many items as outcomes, got ${summary.items} and ${outcomes}`,
      });
    }
  });
export type PollSummary = z.infer<typeof pollSummarySchema>;

/**
 * Builds the object key `polls/<rule>/<poll in epoch seconds>.json`, with the prefix `plans/` for a poll that only
 * plans.
 */
export function pollSummaryKey(poll: Poll): string {
  return `${evidencePrefix(poll)}polls/${poll.rule}/${epochSeconds(poll)}.json`;
}

/** Adds up the counts of a record. */
export function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, value) => total + value, 0);
}
