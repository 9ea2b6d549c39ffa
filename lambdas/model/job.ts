import { createHash } from 'node:crypto';
import { z } from 'zod';
import { accountIdSchema, findingSchema, regionSchema, ruleIdSchema, timestampSchema } from './finding.ts';
import { modeSchema } from './mode.ts';

/**
 * Maximum number of findings in a job. It equals the number of items that one read or transaction of the findings table
 * allows.
 */
export const MAX_FINDINGS_PER_JOB = 100;

/** The sources of findings. */
export const sourceSchema = z.enum(['netskope']);
export type Source = z.infer<typeof sourceSchema>;

/** One run of the collector for one rule. A repeated delivery of the same scheduled event is the same poll. */
export const pollSchema = z.object({
  /** The source of the findings. Jobs and evidence of the first version do not name it, because there was only one. */
  source: sourceSchema.default('netskope'),
  rule: ruleIdSchema,
  /** The time of the poll. */
  asOf: timestampSchema,
  /**
   * Set in a poll that only shows what enforcement would change: nothing is changed, nobody is notified, and nothing is
   * stored about findings. It is distinct from a poll of the same time without this flag, and its evidence is separate.
   */
  plans: z.literal(true).optional(),
});
export type Poll = z.infer<typeof pollSchema>;

/** The source of an undo: an operator's request. */
const UNDO = 'undo';

/**
 * The occasion of an outcome: a poll, or an undo, which does not come from a source of findings. For an undo, `asOf` is
 * the time of the request and the source is `undo`, which distinguishes it from a poll of the same time.
 */
export const occasionSchema = pollSchema.extend({
  source: z.enum([...sourceSchema.options, UNDO]).default('netskope'),
});
export type Occasion = z.infer<typeof occasionSchema>;

/** Returns the poll's time in whole seconds since 1970, as used in names and keys. */
export function epochSeconds({ asOf }: Pick<Poll, 'asOf'>): number {
  return Math.floor(Date.parse(asOf) / 1000);
}

/** Maximum length of a role session name (STS API reference, AssumeRole). */
const MAX_POLL_ID = 64;
const DIGEST_IN_ID = 8;

/**
 * Builds the id of a poll: `<source>.<rule>@<asOf in epoch seconds>`, with `+plan` if it only plans. The id is also the
 * name of the sessions in target accounts, so it has at most 64 characters: a rule id that is too long is truncated and
 * followed by `.` and 8 digits of its SHA-256.
 */
export function pollId({ source, rule, asOf, plans }: Occasion): string {
  const moment = `@${epochSeconds({ asOf })}${plans === true ? '+plan' : ''}`;
  const room = MAX_POLL_ID - source.length - 1 - moment.length;
  if (rule.length <= room) return `${source}.${rule}${moment}`;
  const digest = createHash('sha256').update(rule).digest('hex').slice(0, DIGEST_IN_ID);
  return `${source}.${rule.slice(0, room - DIGEST_IN_ID - 1)}.${digest}${moment}`;
}

const POLL_ID = new RegExp(`^(?:${[...sourceSchema.options, UNDO].join('|')})\\.[^/]+@\\d+(\\+plan)?$`);

/** Reports whether a text is the id of a poll or an undo, and therefore the name of one of this product's sessions. */
export function isPollId(text: string): boolean {
  return POLL_ID.test(text);
}

/** A query to CloudTrail: who changed a resource between two times. */
const investigationSchema = z.object({
  /** The changed resource, which may differ from the finding's resource. */
  changed: z.string().min(1).max(2048),
  from: timestampSchema,
  to: timestampSchema,
});
export type Investigation = z.infer<typeof investigationSchema>;

/** The collector's request to a region's remediator: some findings of one rule, account and region. */
export const jobSchema = z
  .object({
    version: z.literal(1),
    poll: pollSchema,
    account: accountIdSchema,
    /** The region whose remediator works on it: the findings' region, or the home region for global findings. */
    region: regionSchema,
    /** Number of the job among the poll's jobs for this account and region, from 0. */
    chunk: z.number().int().nonnegative(),
    findings: z.array(findingSchema).min(1).max(MAX_FINDINGS_PER_JOB),
    /**
     * The run of the collector that created the job. The jobs of one run have no findings in common. A repeated poll is
     * another run. Not part of the job's id.
     */
    run: z.string().min(1).max(40).optional(),
    /** The highest mode in which the job may run. It can lower the mode in the settings, and never raises it. */
    atMost: modeSchema.optional(),
    /** Set in a job whose findings the source no longer reports: they are closed without reading any resource. */
    closes: z.literal(true).optional(),
    /**
     * Set in a job whose findings the source itself is fixing: they are deferred without reading any resource. Contains
     * the reasons by resource.
     */
    leaves: z.record(z.string(), z.string()).optional(),
    /**
     * Set in a job that only queries CloudTrail, some minutes after fixes, for who undid the earlier fixes. Nothing is
     * changed. By the finding's resource.
     */
    investigates: z.record(z.string(), investigationSchema).optional(),
    /** Set in a follow-up job for changes of an earlier job that AWS takes minutes to finish. */
    continues: z
      .object({
        /** The earlier job's id. */
        job: z.string().regex(/^[0-9a-f]{64}$/, 'expected the id of a job'),
        /** Number of follow-up jobs so far, including this one. */
        look: z.number().int().positive(),
        /** Distinguishes the messages with which this follow-up job was sent. Not part of the job's id. */
        sending: z.string().min(1).max(40).optional(),
      })
      .optional(),
  })
  .superRefine((job, context) => {
    const resources = new Set(job.findings.map((finding) => finding.resource));
    if (resources.size < job.findings.length) {
      context.addIssue({
        code: 'custom',
        path: ['findings'],
        message: `expected each resource once, got ${job.findings.length} findings of ${resources.size} resources`,
      });
    }
    const { poll, atMost, closes, investigates, continues } = job;
    const isMore = closes ?? investigates ?? continues;
    if (poll.plans === true && (atMost !== 'dry_run' || isMore !== undefined)) {
      context.addIssue({
        code: 'custom',
        path: ['poll', 'plans'],
        message:
          'expected a dry run that neither closes, investigates nor continues anything, because its poll only plans',
      });
    }
    for (const [index, finding] of job.findings.entries()) {
      if (
        finding.account !== job.account ||
        finding.rule !== job.poll.rule ||
        (finding.region !== job.region && finding.region !== 'global')
      ) {
        context.addIssue({
          code: 'custom',
          path: ['findings', index],
          message: `expected a finding of rule ${job.poll.rule}, account ${job.account} and region ${job.region} or global, got ${finding.rule}, ${finding.account} and ${finding.region}`,
        });
      }
    }
  });
export type Job = z.infer<typeof jobSchema>;

/**
 * Computes the id of a job (64 hexadecimal digits), which is its name in the evidence bucket and its deduplication id
 * in the queue: a digest of poll, account, region, chunk and resources. A job that is sent twice has the same id, so
 * the queue drops the second. A chunk that a repeated poll filled with other findings, because the source reordered
 * them, has another id and is not dropped.
 */
export function jobId(job: Omit<Job, 'poll'> & { readonly poll: Occasion }): string {
  const parts = [
    pollId(job.poll),
    job.account,
    job.region,
    job.chunk,
    ...job.findings.map((finding) => finding.resource),
    ...(job.continues === undefined ? [] : [job.continues.job, job.continues.look]),
    ...(job.atMost === undefined ? [] : [job.atMost]),
    ...(job.closes === undefined ? [] : ['closes']),
    ...(job.investigates === undefined ? [] : ['investigates']),
    ...(job.leaves === undefined ? [] : ['leaves']),
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/**
 * Identifies the message with which a job was sent, at each of its deliveries, including those after a redrive. A
 * repeated poll, or an attempt that is not sure whether its follow-up job was sent, sends the same job in another
 * message.
 */
export function sendingOf({ run, continues }: Pick<Job, 'run' | 'continues'>): string | undefined {
  return continues?.sending ?? run;
}

/** Returns the id of the journal that a job shares with the jobs that continue it. */
export function journalId(job: Job): string {
  return job.continues?.job ?? jobId(job);
}
