import { createHash } from 'node:crypto';
import type { ScheduleRecord } from '../../lambdas/collector/schedule-records.ts';
import { findingKey } from '../../lambdas/model/finding.ts';
import { epochSeconds } from '../../lambdas/model/job.ts';
import { isProvisional, type Outcome, outcomeSchema } from '../../lambdas/model/outcome.ts';
import { type PollSummary, pollSummarySchema, sum } from '../../lambdas/model/poll-summary.ts';
import { type KeptLine, standingLines } from '../../lambdas/model/standing.ts';
import type { Evidence } from './evidence.ts';
import { type Gap, gapsOf } from './gaps.ts';
import { type History, historyOf, type Span, type Switch, scheduleRecords } from './schedules.ts';

/** The input: a month, and information about schedules in addition to the evidence. */
export interface Question {
  /** `2026-11`, in UTC. */
  readonly month: string;
  /** The schedule of rules in a month without records of schedules. */
  readonly schedule: string;
  /** The schedules of rules that were on all month, regardless of the evidence. */
  readonly schedules?: Readonly<Record<string, string>>;
  /** The time zone of these cron expressions. */
  readonly timeZone: string;
  /** The current time. A month that is not over is checked until then. */
  readonly now: Date;
}

/** A poll whose outcomes do not match its findings. */
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
    /** The periods in which polls are expected, with the schedule. Empty if the rule was off. */
    readonly expected: readonly {
      readonly schedule: string;
      readonly timeZone: string;
      readonly from: string;
      readonly until: string;
    }[];
    /** The polls that took place, expected or not. */
    readonly done: number;
    readonly missing: number;
    readonly gaps: readonly Gap[];
  };
  readonly findings: { readonly in: number; readonly out: number };
  readonly unprocessable: { readonly in: number; readonly out: number };
  readonly closed: { readonly in: number; readonly out: number };
  /** Findings that ended with a dead letter: they have an outcome, but their work was not finished. */
  readonly deadLetters: number;
  readonly mismatches: readonly Mismatch[];
}

/** Proof that every poll took place, and that every finding of every poll has an outcome. */
export interface Proof {
  readonly version: 1;
  readonly month: string;
  readonly at: string;
  readonly complete: boolean;
  /** Limits of what the evidence can show. */
  readonly notShown: readonly string[];
  /** The periods in which a rule was switched on or off, or got another schedule. No polls are expected in them. */
  readonly switches: readonly Switch[];
  readonly rules: readonly RuleProof[];
}

/** The maximum delay of a poll: a flexible window, an hour of retries, and its own 15 minutes. */
const PATIENCE_MILLISECONDS = 90 * 60_000;

/** Limits of the proof in a month without records of schedules. */
const WITHOUT_RECORDS = [
  'The evidence has no record of the schedules before the end of this month: each rule with a folder in polls/ is assumed to have been on all the time, with the schedule in --schedule.',
  'Rules that were on but have no folder in polls/ are only checked if --schedule names them.',
  'For a rule without polls before this month, no polls are expected before its first one.',
];
/** Limits of the proof in any month: a collector that is not started records nothing. */
const WITH_RECORDS = [
  'The collector writes the records of schedules. While all rules were off, it was not started, so the last record is assumed to be still valid.',
];

/** The lines of a poll, by finding. */
interface Lines {
  readonly findings: Map<string, readonly KeptLine[]>;
  readonly closed: Set<string>;
}

/** Proves that a month's evidence is complete, or says what is missing. Reads each object of the month once, day by day. */
export async function proveCompleteness(evidence: Evidence, question: Question): Promise<Proof> {
  const begin = Date.parse(`${question.month}-01T00:00:00Z`);
  const first = new Date(begin);
  const end = Math.min(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 1), question.now.getTime());
  const rules: RuleProof[] = [];
  const switches: Switch[] = [];
  const { schedules = {} } = question;
  const records = await scheduleRecords(evidence, begin, end);
  const known = records.flatMap((record) => Object.keys(record.schedules));
  const names = new Set([...(await evidence.folders('polls/')), ...Object.keys(schedules), ...known]);
  const due = Math.min(end, question.now.getTime() - PATIENCE_MILLISECONDS);
  for (const rule of [...names].sort()) {
    const history = historyFor(rule, question, records, begin, due);
    switches.push(...history.switches);
    rules.push(await proveRule(evidence, rule, { begin, end, due, spans: history.spans }));
  }
  const isComplete = ({ polls, mismatches }: RuleProof): boolean =>
    polls.missing === 0 && mismatches.length === 0;
  return {
    version: 1,
    month: question.month,
    at: question.now.toISOString(),
    complete: rules.length > 0 && rules.every(isComplete),
    notShown: notShown(records, begin),
    switches,
    rules,
  };
}

function notShown(records: readonly ScheduleRecord[], begin: number): readonly string[] {
  const [first] = records;
  if (first === undefined) return WITHOUT_RECORDS;
  if (Date.parse(first.at) < begin) return WITH_RECORDS;
  return [
    `The first record of schedules, from ${first.at}, is assumed to be valid before that time, too.`,
    ...WITH_RECORDS,
  ];
}

/** Returns the periods in which a rule was polled: from the arguments, otherwise from the evidence, otherwise the default. */
function historyFor(
  rule: string,
  { schedule, schedules = {}, timeZone }: Question,
  records: readonly ScheduleRecord[],
  begin: number,
  end: number,
): History {
  const given = schedules[rule] ?? (records.length === 0 ? schedule : undefined);
  if (given === undefined) return historyOf(rule, records, begin, end);
  const isContinued = schedules[rule] !== undefined;
  return { spans: [{ from: begin, until: end, schedule: given, timeZone, isContinued }], switches: [] };
}

interface Time {
  readonly begin: number;
  readonly end: number;
  /** Polls that were due at or after this time may still take place. */
  readonly due: number;
  readonly spans: readonly Span[];
}

async function proveRule(evidence: Evidence, rule: string, time: Time): Promise<RuleProof> {
  const { summaries, moments } = await pollsOf(evidence, rule, time);
  const expected = time.spans.map((span) => ({ ...span, since: expectedSince(span, moments, time.begin) }));
  const gaps = expected.flatMap(({ from, until, since, schedule, timeZone }) =>
    gapsOf(moments, { begin: from, end: Math.min(until, time.due), since, schedule, timeZone }),
  );
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
      proof.deadLetters += [...findings.values()].filter(endsProvisionally).length;
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
        const sent = summary.findings + summary.deferred;
        // A run of the collector that did not complete may have sent what the last one skipped.
        const skipped = Math.min(Math.max(0, findings.size - sent), summary.skipped);
        compare('findings', sent + skipped, findings.size);
        compare('closed', summary.closed, closed.size);
        compare('unprocessable', sum(summary.unprocessable), await unprocessableOf(evidence, rule, seconds));
      }
    }
  }
  const missing = gaps.reduce((total, { polls }) => total + polls, 0);
  const polls = {
    expected: expected.map(({ schedule, timeZone, from, until, since }) => ({
      schedule,
      timeZone,
      from: new Date(Math.max(from, since)).toISOString(),
      until: new Date(until).toISOString(),
    })),
    done: summaries.size,
    missing,
    gaps,
  };
  return { rule, polls, ...proof, mismatches };
}

/**
 * The time from which a rule's polls are expected. For a rule that was on when the month began: its last poll before. If that is
 * unknown: its first poll. For a rule that was switched on within the month: that time.
 */
function expectedSince({ from, isContinued }: Span, moments: readonly number[], begin: number): number {
  if (from > begin) return from;
  const before = moments.filter((moment) => moment < begin);
  if (before.length > 0) return before.reduce((one, other) => Math.max(one, other));
  if (moments.length > 0 && !isContinued) return moments.reduce((one, other) => Math.min(one, other));
  return from;
}

/** The summaries of a rule's polls within the period, and the times of all its polls. */
async function pollsOf(
  evidence: Evidence,
  rule: string,
  { begin, end }: Pick<Time, 'begin' | 'end'>,
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
    for (const line of await evidence.lines(key)) take(outcomeSchema.parse(line), key, polls);
  }
  return polls;
}

function take(line: Outcome, evidence: string, polls: Map<number, Lines>): void {
  // An undo, which an operator requested, does not belong to a poll.
  if (line.undo !== undefined) return;
  const seconds = epochSeconds(line.poll);
  const lines = polls.get(seconds) ?? { findings: new Map(), closed: new Set() };
  polls.set(seconds, lines);
  // A digest takes less memory than a resource's name: a day may have millions of lines.
  const key = createHash('sha256').update(findingKey(line.finding)).digest('base64').slice(0, 16);
  if (line.outcome === 'closed') {
    lines.closed.add(key);
    return;
  }
  const { replaces, alsoReplaces, deadLetter, stillOpen } = line;
  const kept = { evidence, outcome: { replaces, alsoReplaces, deadLetter, stillOpen } };
  lines.findings.set(key, [...(lines.findings.get(key) ?? []), kept]);
}

/** Reports whether the valid line of a finding is provisional. */
function endsProvisionally(lines: readonly KeptLine[]): boolean {
  const [line] = standingLines(lines);
  return line !== undefined && isProvisional(line.outcome);
}

async function unprocessableOf(evidence: Evidence, rule: string, seconds: number): Promise<number> {
  let count = 0;
  for await (const _ of evidence.keys(`unprocessable/${rule}/${seconds}/`)) count += 1;
  return count;
}
