import { outcomesKey } from '../../../../lambdas/model/evidence-keys.ts';
import { type Occasion, type Poll, pollId } from '../../../../lambdas/model/job.ts';
import type { Outcome } from '../../../../lambdas/model/outcome.ts';
import { pollSummaryKey } from '../../../../lambdas/model/poll-summary.ts';
import { undoneKey } from '../../../../lambdas/model/requests.ts';
import { emptyPollSummary } from '../../../lab/deployed/poll-summary.ts';
import type { SmallAws } from './small-aws.ts';
import { HOME } from './small-aws.ts';

export const SSH = 'security-group-ssh-open';
export const PRODUCTION = '222222222222';
export const STAGING = '333333333333';

/** A poll of the rule for SSH. */
export const pollAt = (asOf: string, rule = SSH): Poll => ({ source: 'netskope', rule, asOf });

/** A line of evidence. */
export function lineOf(
  poll: Occasion,
  resource: string,
  more: Partial<Outcome> & { readonly account?: string; readonly region?: string } = {},
): Outcome {
  const { account = PRODUCTION, region = HOME, ...rest } = more;
  return {
    version: 1,
    poll,
    finding: { rule: poll.rule, account, region, resource, failingSince: '2026-11-12T12:00:00Z' },
    outcome: 'planned',
    mode: 'dry_run',
    plan: [],
    applied: [],
    startedAt: poll.asOf,
    finishedAt: poll.asOf,
    ...rest,
  };
}

let jobs = 0;

/** Stores lines as the first attempt of another job would. @returns the job, and the key of the object */
function putEvidence(
  aws: SmallAws,
  poll: Occasion,
  lines: readonly Outcome[],
): { readonly job: string; readonly evidence: string } {
  jobs += 1;
  const job = String(jobs).padStart(64, '0');
  const evidence = outcomesKey(poll, job, 1);
  aws.putLines(evidence, lines);
  return { job, evidence };
}

/**
 * Records a complete poll: its summary, its item in the table, its jobs and their evidence.
 * @returns the keys of the evidence, in the order of the lines
 */
export function putPoll(aws: SmallAws, poll: Poll, lines: readonly Outcome[], waiting = 0): string[] {
  const places = new Map<string, Outcome[]>();
  for (const line of lines) {
    const { account, region } = line.finding;
    const key = `${account} ${region === 'global' ? HOME : region}`;
    places.set(key, [...(places.get(key) ?? []), line]);
  }
  const destinations = [...places].map(([place, of], index) => {
    const [account = '', region = ''] = place.split(' ');
    return { account, region, jobs: 1, findings: of.length + (index === 0 ? waiting : 0) };
  });
  const findings = lines.length + waiting;
  aws.objects.set(
    `evidence/${pollSummaryKey(poll)}`,
    JSON.stringify(emptyPollSummary(poll, { items: findings, findings, jobs: places.size, destinations })),
  );
  if (poll.plans !== true) {
    aws.put({
      pk: `poll#${poll.rule}`,
      sk: 'last',
      version: 1,
      expiresAt: 9e9,
      rule: poll.rule,
      at: poll.asOf,
      poll,
    });
  }
  const keys: string[] = [];
  for (const [place, of] of places) {
    const [account = '', region = ''] = place.split(' ');
    const { job, evidence } = putEvidence(aws, poll, of);
    aws.put({
      pk: `done#${poll.rule}#${account}#${region}`,
      sk: pollId(poll),
      version: 1,
      expiresAt: 9e9,
      rule: poll.rule,
      account,
      region,
      poll,
      jobs: [{ job, number: 1 }],
    });
    keys.push(...of.map(() => evidence));
  }
  return keys;
}

/** Records an undo: its evidence, and the item that names it. @returns the key of the evidence */
export function putUndo(aws: SmallAws, line: Outcome): string {
  const { poll, finding } = line;
  const { evidence } = putEvidence(aws, poll, [line]);
  const { account, region } = finding;
  const key = undoneKey({ region: region === 'global' ? HOME : region, at: poll.asOf }, evidence);
  aws.put({ ...key, version: 1, expiresAt: 9e9, account, rule: poll.rule, evidence });
  return evidence;
}

/** Writes the item of a finding of the rule for SSH. */
export function putFinding(
  aws: SmallAws,
  item: { readonly resource: string; readonly outcome: string } & Readonly<Record<string, unknown>>,
): void {
  const { resource, account = PRODUCTION, region = HOME } = item;
  const seen = '2026-11-24T11:30:00Z';
  aws.put({
    pk: `finding#${account}#${region}#${resource}`,
    sk: SSH,
    version: 1,
    expiresAt: 9e9,
    rule: SSH,
    account,
    region,
    since: seen,
    firstSeen: seen,
    lastSeen: seen,
    attempts: 0,
    changes: [],
    ...item,
  });
}
