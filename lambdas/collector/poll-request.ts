import { z } from 'zod';
import { customRuleSchema } from '../model/custom-rule.ts';
import { InvalidInputError, SettingsError } from '../model/errors.ts';
import { ruleIdSchema } from '../model/finding.ts';
import { formatIssues } from '../model/issues.ts';
import { type Poll, pollSchema } from '../model/job.ts';
import { factsOf, findRuleId, ruleIds } from '../rules/catalogue.ts';
import { customFacts } from '../rules/custom/declared-facts.ts';
import type { RuleFacts } from '../rules/facts.ts';

/** A poll and its rule. */
export interface PollRequest {
  readonly poll: Poll;
  readonly rule: RuleFacts;
  /** Rule names to query in addition to the known ones. */
  readonly furtherRuleNames: readonly string[];
}

/**
 * Keyword that EventBridge Scheduler replaces with the scheduled time, ISO 8601 in UTC (user guide, "Context
 * attributes").
 */
const SCHEDULED_TIME = '<aws.scheduler.scheduled-time>';

/** Keyword for the current second. */
const NOW = 'now';

const MILLISECONDS_PER_MINUTE = 60_000;

const timeSchema = z.iso.datetime({ offset: true });

const eventSchema = z.strictObject({
  source: pollSchema.shape.source,
  rule: z.unknown().optional(),
  definition: z.unknown().optional(),
  scheduled_time: z
    .string()
    .refine((text) => text === SCHEDULED_TIME || text === NOW || timeSchema.safeParse(text).success, {
      error: ({ input }) =>
        `expected a time such as 2026-01-31T12:00:00Z, got ${String(input).slice(0, 100)}`,
    })
    .default(SCHEDULED_TIME),
  /** Set to only plan, in order to see what enforcement would change. */
  at_most: z.literal('dry_run').optional(),
  netskope_rule_names: z.array(z.string().trim().min(1).max(1024)).default([]),
});

/** Truncates a time to seconds, the precision of queries and of poll ids. */
function toSecond(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}

const own = 'or a custom rule with its definition, as its schedule sends it';

/** Schema of the requested rule. Its output is the facts of the built-in or custom rule. */
const ruleSchema = z
  .looseObject({
    rule: z.string(),
    /** The definition of a custom rule. */
    definition: customRuleSchema.optional(),
  })
  .transform(({ rule: id, definition }, context) => {
    if (findRuleId(id) !== undefined) return factsOf(id);
    if (definition !== undefined && ruleIdSchema.safeParse(id).success) {
      try {
        return customFacts(id, definition);
      } catch (error) {
        if (!(error instanceof SettingsError)) throw error;
        context.addIssue({ code: 'custom', path: ['definition'], message: error.message });
        return z.NEVER;
      }
    }
    const message = `expected one of ${ruleIds.join(', ')}, ${own}, got ${id.slice(0, 100)}`;
    context.addIssue({ code: 'custom', path: ['rule'], message });
    return z.NEVER;
  });

/**
 * Parses the event of a schedule: `{"rule": id, "scheduled_time": time, "netskope_rule_names": […]}`, with `definition`
 * for a custom rule, and `source` if it is not Netskope. A repeated delivery of the same event is the same poll. A poll
 * that is started by hand needs only `rule`, and `definition` for a custom rule. Without a time, or with the
 * scheduler's keyword, the time is the current minute; with `now`, the current second. With `"at_most": "dry_run"`, the
 * poll only plans.
 * @param event the unparsed event
 * @throws InvalidInputError with all problems
 */
export function parsePollRequest(event: unknown, now: Date): PollRequest {
  const parsed = eventSchema.safeParse(event);
  const rule = ruleSchema.safeParse(event);
  if (!parsed.success || !rule.success) {
    const errors = [rule.error, parsed.error].filter((error) => error !== undefined);
    const words = [...new Set(errors.map((error) => formatIssues(error)))].join('; ');
    throw new InvalidInputError(`invalid event for a poll: ${words}`, { cause: errors[0] });
  }
  const { source, scheduled_time, at_most, netskope_rule_names } = parsed.data;
  const poll = { source, rule: rule.data.id, asOf: toSecond(momentOf(scheduled_time, now)) };
  return {
    poll: { ...poll, ...(at_most !== undefined && { plans: true }) },
    rule: rule.data,
    furtherRuleNames: netskope_rule_names,
  };
}

function momentOf(scheduledTime: string, now: Date): number {
  if (scheduledTime === NOW) return now.getTime();
  if (scheduledTime !== SCHEDULED_TIME) return Date.parse(scheduledTime);
  return Math.floor(now.getTime() / MILLISECONDS_PER_MINUTE) * MILLISECONDS_PER_MINUTE;
}
