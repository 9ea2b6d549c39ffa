import { z } from 'zod';
import { eventId } from './event-id.ts';
import { accountIdSchema, regionSchema, ruleIdSchema, timestampSchema } from './finding.ts';
import type { Job } from './job.ts';

/**
 * The `detail` of an event of type `Finding Notice`: findings of one job about which people are notified, once a week
 * while the cause lasts.
 */
export const findingNoticeSchema = z.object({
  version: z.literal(1),
  /** The event's id, which is the same at each delivery. */
  id: z.string(),
  /** `recurring`: the findings were fixed repeatedly. `undone_by`: CloudTrail shows who undid the fixes. */
  kind: z.enum(['recurring', 'undone_by']),
  rule: ruleIdSchema,
  account: accountIdSchema,
  region: regionSchema,
  findings: z.array(z.object({ resource: z.string(), since: timestampSchema, reason: z.string() })).min(1),
  /** The text of the notification: what happened, and what to do. */
  words: z.string(),
});
export type FindingNotice = z.infer<typeof findingNoticeSchema>;

const MAX_WORDS = 2_000;

/** Creates a job's notice about findings. @returns no notice without findings */
export function findingNotices(
  kind: FindingNotice['kind'],
  { poll, account, region }: Pick<Job, 'poll' | 'account' | 'region'>,
  findings: FindingNotice['findings'],
  words: string,
): FindingNotice[] {
  if (findings.length === 0) return [];
  const names = findings.map(({ resource }) => resource).join(', ');
  return [
    {
      version: 1,
      id: eventId(`${poll.rule} ${account} ${region} ${poll.asOf}`, `${kind} ${names}`),
      kind,
      rule: poll.rule,
      account,
      region,
      findings,
      words: words.length > MAX_WORDS ? `${words.slice(0, MAX_WORDS)}…` : words,
    },
  ];
}
