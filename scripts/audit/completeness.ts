import { createHash } from 'node:crypto';
import { pollMarkKey, pollMarkSchema } from '../../lambdas/collector/poll-mark.ts';
import { type PollSummary, pollSummarySchema, sum } from '../../lambdas/collector/poll-summary.ts';
import { findingKey } from '../../lambdas/model/finding.ts';
import { epochSeconds } from '../../lambdas/model/job.ts';
import { isProvisional, type Outcome, outcomeSchema } from '../../lambdas/model/outcome.ts';
import type { Evidence } from './evidence.ts';
import { type Expected, type Gap, gapsOf } from './gaps.ts';

/** The question: a month, and the schedule by which each rule is polled. */
export interface Question {
  /** `2026-11`, in UTC. */
  readonly month: string;
  readonly scheduleOf: (rule: string) => string;
  /** Of the schedules' cron expressions. */
  readonly timeZone: string;
  /** Rules that were on, though the evidence may have nothing of them. */
  readonly rules?: readonly string[];
  /** A month that is not over is looked at up to now. */
  readonly now: Date;
}

/** A poll whose outcomes are not those of its findings. */
export interface Mismatch {
  readonly poll: string;
  readonly what: 'findings' | 'unprocessable' | 'closed' | 'summary';
  readonly in: number;
  readonly out: number;
}

/** The proof for one rule. */
export interface RuleProof {
  readonly rule: string;
  readonly polls: {
    readonly schedule: string;
    /** From when on polls are expected: of a rule that is new in this month, its first one. */
    readonly expectedSince: string;
    readonly done: number;
    readonly missing: number;
    readonly gaps: readonly Gap[];
  };
  readonly findings: { readonly in: number; readonly out: number };
  readonly unprocessable: { readonly in: number; readonly out: number };
  readonly closed: { readonly in: number; readonly out: number };
  /** Findings whose last word came with a dead letter: they have an outcome, and their work was not finished. */
  readonly deadLetters: number;
  readonly mismatches: readonly Mismatch[];
}

/** That every poll was done, and that every finding of every poll has its outcome. */
export interface Proof {
  readonly version: 1;
  readonly month: string;
  readonly at: string;
  readonly complete: boolean;
  /** Gaps in what the evidence can show. */
  readonly notShown: readonly string[];
  readonly rules: readonly RuleProof[];
}

/** A poll that is due is waited for so long: a flexible window, an hour of retries, and its own 15 minutes. */
const PATIENCE_MILLISECONDS = 90 * 60_000;

/** The evidence has no history of the settings. */
const NOT_SHOWN = [
  'Rules that were on and have no folder in polls/ are looked at only where they are named with --schedule.',
  'Of a rule without polls before this month, polls before its first one are not expected.',
  'A rule that was off for a time is expected to be polled nevertheless, and one whose schedule was changed by the one that is given.',
];

/** The lines of a poll: by finding, whether its last line is provisional. */
interface Lines {
  readonly findings: Map<string, { finishedAt: string; isProvisional: boolean }>;
  readonly closed: Set<string>;
}

/** Proves a month's evidence complete, or says what is missing. Reads each object of the month once, day by day. */
export async function proveCompleteness(evidence: Evidence, question: Question): Promise<Proof> {
  const begin = Date.parse(`${question.month}-01T00:00:00Z`);
  const first = new Date(begin);
  const end = Math.min(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 1), question.now.getTime());
  const rules: RuleProof[] = [];
  const names = new Set([...(await evidence.folders('polls/')), ...(question.rules ?? [])]);
  const due = Math.min(end, question.now.getTime() - PATIENCE_MILLISECONDS);
  for (const rule of [...names].sort()) {
    const schedule = question.scheduleOf(rule);
    rules.push(await proveRule(evidence, rule, { begin, end, due, schedule, timeZone: question.timeZone }));
  }
  const isComplete = ({ polls, mismatches }: RuleProof): boolean =>
    polls.missing === 0 && mismatches.length === 0;
  return {
    version: 1,
    month: question.month,
    at: question.now.toISOString(),
    complete: rules.length > 0 && rules.every(isComplete),
    notShown: NOT_SHOWN,
    rules,
  };
}

type Time = Omit<Expected, 'since'> & {
  /** Polls that are due from then on may still come. */
  readonly due: number;
};

async function proveRule(evidence: Evidence, rule: string, time: Time): Promise<RuleProof> {
  const { summaries, moments } = await pollsOf(evidence, rule, time);
  const since = await expectedSince(evidence, rule, moments, time.begin);
  const gaps = gapsOf(moments, { ...time, end: time.due, since });
  const proof = {
    findings: { in: 0, out: 0 },
    unprocessable: { in: 0, out: 0 },
    closed: { in: 0, out: 0 },
    deadLetters: 0,
  };
  const mismatches: Mismatch[] = [];
  for (let day = time.begin; day < time.end; day += 86_400_000) {
    const lines = await linesOf(evidence, rule, new Date(day).toISOString().slice(0, 10));
    const ofDay = [...summaries].filter(([seconds]) => Math.floor((seconds * 1000 - day) / 86_400_000) === 0);
    for (const seconds of new Set([...ofDay.map(([each]) => each), ...lines.keys()])) {
      const summary = summaries.get(seconds);
      const { findings, closed } = lines.get(seconds) ?? { findings: new Map(), closed: new Set() };
      proof.deadLetters += [...findings.values()].filter((line) => line.isProvisional).length;
      const poll = new Date(seconds * 1000).toISOString();
      const compare = (
        what: 'findings' | 'unprocessable' | 'closed',
        expected: number,
        found: number,
      ): void => {
        proof[what].in += expected;
        proof[what].out += found;
        if (expected !== found) mismatches.push({ poll, what, in: expected, out: found });
      };
      if (summary === undefined) mismatches.push({ poll, what: 'summary', in: 0, out: findings.size });
      else {
        compare('findings', summary.findings + summary.deferred, findings.size);
        compare('closed', summary.closed, closed.size);
        compare('unprocessable', sum(summary.unprocessable), await unprocessableOf(evidence, rule, seconds));
      }
    }
  }
  const missing = gaps.reduce((total, { polls }) => total + polls, 0);
  const { schedule, begin } = time;
  const polls = {
    schedule,
    expectedSince: new Date(Math.max(begin, since)).toISOString(),
    done: summaries.size,
    missing,
    gaps,
  };
  return { rule, polls, ...proof, mismatches };
}

/**
 * From when on a rule's polls are expected: its last one before the month, or its first. A rule without any has a mark
 * that says since when it is known to be on; one that was only named was on all along.
 */
async function expectedSince(
  evidence: Evidence,
  rule: string,
  moments: readonly number[],
  begin: number,
): Promise<number> {
  const before = moments.filter((moment) => moment < begin);
  if (before.length > 0) return before.reduce((one, other) => Math.max(one, other));
  if (moments.length > 0) return moments.reduce((one, other) => Math.min(one, other));
  const mark = await evidence.find(pollMarkKey(rule));
  return mark === undefined ? begin : Date.parse(pollMarkSchema.parse(mark).at);
}

/** The summaries of a rule's polls within the time, and the moments of all its polls. */
async function pollsOf(
  evidence: Evidence,
  rule: string,
  { begin, end }: Time,
): Promise<{ summaries: Map<number, PollSummary>; moments: number[] }> {
  const summaries = new Map<number, PollSummary>();
  const moments: number[] = [];
  for await (const key of evidence.keys(`polls/${rule}/`)) {
    const [, digits] = /\/(\d+)\.json$/.exec(key) ?? [];
    const seconds = Number(digits);
    if (digits === undefined) continue;
    const moment = seconds * 1000;
    moments.push(moment);
    if (moment < begin || moment >= end) continue;
    summaries.set(seconds, pollSummarySchema.parse(await evidence.json(key)));
  }
  return { summaries, moments };
}

/** The lines of a day's polls, by poll. */
async function linesOf(evidence: Evidence, rule: string, day: string): Promise<Map<number, Lines>> {
  const polls = new Map<number, Lines>();
  for await (const key of evidence.keys(`outcomes/date=${day}/rule=${rule}/`)) {
    for (const line of await evidence.lines(key)) take(outcomeSchema.parse(line), polls);
  }
  return polls;
}

function take(outcome: Outcome, polls: Map<number, Lines>): void {
  const seconds = epochSeconds(outcome.poll);
  const lines = polls.get(seconds) ?? { findings: new Map(), closed: new Set() };
  polls.set(seconds, lines);
  // A digest takes less memory than a resource's name: a day may have millions of lines.
  const key = createHash('sha256').update(findingKey(outcome.finding)).digest('base64').slice(0, 16);
  const { finishedAt } = outcome;
  if (outcome.outcome === 'closed') lines.closed.add(key);
  else if ((lines.findings.get(key)?.finishedAt ?? '') <= finishedAt) {
    lines.findings.set(key, { finishedAt, isProvisional: isProvisional(outcome) });
  }
}

async function unprocessableOf(evidence: Evidence, rule: string, seconds: number): Promise<number> {
  let count = 0;
  for await (const _ of evidence.keys(`unprocessable/${rule}/${seconds}/`)) count += 1;
  return count;
}
