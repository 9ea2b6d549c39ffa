import { z } from 'zod';
import { InvalidInputError } from '../model/errors.ts';
import { formatIssues } from '../model/issues.ts';
import { type Poll, pollSchema } from '../model/job.ts';
import { findRuleId, ruleIds } from '../rules/catalogue.ts';

/** A poll, and the names of the rule that it asks for besides the known ones. */
export interface PollRequest {
  readonly poll: Poll;
  /** Names of findings to be asked for besides those that the rule knows. */
  readonly furtherRuleNames: readonly string[];
}

/** EventBridge Scheduler puts the scheduled time in its place, ISO 8601 in UTC (user guide, "Context attributes"). */
const SCHEDULED_TIME = '<aws.scheduler.scheduled-time>';

const MILLISECONDS_PER_MINUTE = 60_000;

const timeSchema = z.iso.datetime({ offset: true });

const eventSchema = z.strictObject({
  source: pollSchema.shape.source,
  rule: z.string().transform((text, context) => {
    const id = findRuleId(text);
    if (id !== undefined) return id;
    context.addIssue({
      code: 'custom',
      message: `expected one of ${ruleIds.join(', ')}, got ${text.slice(0, 100)}`,
    });
    return z.NEVER;
  }),
  scheduled_time: z
    .string()
    .refine((text) => text === SCHEDULED_TIME || timeSchema.safeParse(text).success, {
      error: ({ input }) =>
        `expected a time such as 2026-01-31T12:00:00Z, got ${String(input).slice(0, 100)}`,
    })
    .default(SCHEDULED_TIME),
  netskope_rule_names: z.array(z.string().trim().min(1).max(1024)).default([]),
});

/** Cuts a time to the second, for that is what findings are asked for and polls are known by. */
function toSecond(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}

/**
 * Reads what a schedule sends: `{"rule": id, "scheduled_time": time, "netskope_rule_names": […]}`, and `source` where
 * it is another than Netskope. A second delivery of the same schedule is the same poll. Who starts a poll by hand needs
 * the rule alone; where no time is given, or the scheduler's keyword still stands in its place, it is the minute that
 * `now` lies in.
 * @param event from outside
 * @throws InvalidInputError that names everything that is wrong
 */
export function parsePollRequest(event: unknown, now: Date): PollRequest {
  const parsed = eventSchema.safeParse(event);
  if (!parsed.success) {
    throw new InvalidInputError(`the event that starts a poll: ${formatIssues(parsed.error)}`, {
      cause: parsed.error,
    });
  }
  const { source, rule, scheduled_time, netskope_rule_names } = parsed.data;
  const asOf =
    scheduled_time === SCHEDULED_TIME
      ? Math.floor(now.getTime() / MILLISECONDS_PER_MINUTE) * MILLISECONDS_PER_MINUTE
      : Date.parse(scheduled_time);
  return { poll: { source, rule, asOf: toSecond(asOf) }, furtherRuleNames: netskope_rule_names };
}
