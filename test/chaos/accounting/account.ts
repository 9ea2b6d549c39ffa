import { isDeepStrictEqual } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import { epochSeconds } from '../../../lambdas/model/job.ts';
import { type PollSummary, pollSummarySchema, sum } from '../../../lambdas/model/poll-summary.ts';
import { CHANGED } from '../../../lambdas/model/table-items.ts';
import type { Counts } from '../counts.ts';
import { missingFrom, type Transition, transitionText } from '../writes/items.ts';
import { Doubts, recordedTransitions } from '../writes/recorded.ts';
import { BUCKETS, type CloudModel } from './cloud.ts';
import { type Expected, RULE_KINDS } from './findings.ts';

/** The result of a run in numbers, and everything that does not add up. */
export interface Account {
  readonly counts: Counts;
  readonly findings: number;
  readonly polls: number;
  readonly outcomes: Readonly<Record<string, number>>;
  /** Changes that the calls made. */
  readonly transitions: number;
  /** Changes that records list as unconfirmed, regardless of what happened, as texts. */
  readonly unconfirmed: readonly string[];
  /** The calls' changes that no record lists as confirmed. */
  readonly unknown: number;
  readonly problems: readonly string[];
}

const appliedSchema = z.looseObject({
  change: z.looseObject({ kind: z.string(), resource: z.string() }),
  line: z.string(),
  appliedAt: z.string(),
});
type Applied = z.infer<typeof appliedSchema>;

/** A line of evidence, as docs/evidence.md describes it. */
const lineSchema = z.looseObject({
  poll: z.looseObject({ rule: z.string(), asOf: z.string() }),
  finding: z.looseObject({ rule: z.string(), account: z.string(), resource: z.string() }),
  outcome: z.string(),
  reason: z.string().optional(),
  applied: z.array(appliedSchema),
  unconfirmed: z.array(z.looseObject({ change: z.looseObject({}) })).default([]),
  deadLetter: z.boolean().optional(),
  replaces: z.string().optional(),
  alsoReplaces: z.array(z.string()).default([]),
  startedAt: z.string(),
});
type Line = z.infer<typeof lineSchema> & { readonly key: string };

const eventSchema = z.looseObject({
  outcome: z.string(),
  evidence: z.string(),
  finding: z.looseObject({ account: z.string(), resource: z.string() }).optional(),
});
const itemSchema = z.looseObject({ pk: z.string(), sk: z.string() });
const findingItemSchema = z.looseObject({
  account: z.string(),
  resource: z.string(),
  rule: z.string(),
  outcome: z.string(),
  changes: z.array(z.looseObject({ evidence: z.string() })),
});
const leaseSchema = z.looseObject({ state: z.string() });
const changedSchema = z.looseObject({ changes: z.array(appliedSchema) });
const doneSchema = z.looseObject({ jobs: z.array(z.looseObject({ job: z.string(), number: z.int() })) });

const MOST_UNCONFIRMED_SHARE = 0.01;

/** A line of evidence, shortened. */
function lineText({ key, outcome, reason, replaces, applied, unconfirmed, startedAt }: Line): string {
  const lines = applied.map(({ appliedAt, change }) => `${appliedAt} ${JSON.stringify(change)}`);
  const doubts = unconfirmed.map(({ change }) => `unconfirmed ${JSON.stringify(change)}`);
  return `\n  ${key}: ${outcome} (${reason}), begun ${startedAt}, replaces ${replaces}: ${[...lines, ...doubts].join('; ')}`;
}

function unconfirmedIn({ key, outcome, reason, unconfirmed }: Line): string[] {
  return unconfirmed.map(({ change }) => `${JSON.stringify(change)} in ${key}: ${outcome} (${reason})`);
}

function nameOf({ finding, poll }: Pick<Line, 'finding' | 'poll'>): string {
  return [poll.asOf, finding.rule, finding.account, finding.resource].join(' ');
}

function linesOf(cloud: CloudModel): Line[] {
  return [...cloud.objects.below(BUCKETS.evidence, 'outcomes/')].flatMap(([key, body]) =>
    gunzipSync(body)
      .toString()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => ({ ...lineSchema.parse(JSON.parse(line)), key })),
  );
}

/** The lines that no other line replaces, by finding and poll. */
function standingOf(lines: readonly Line[]): ReadonlyMap<string, readonly Line[]> {
  const replaced = new Set(
    lines.flatMap((line) =>
      [line.replaces, ...line.alsoReplaces].map((replaced) => `${nameOf(line)} ${replaced}`),
    ),
  );
  const standing = new Map<string, Line[]>();
  for (const line of lines) {
    if (replaced.has(`${nameOf(line)} ${line.key}`)) continue;
    standing.set(nameOf(line), [...(standing.get(nameOf(line)) ?? []), line]);
  }
  return standing;
}

/** Compares the findings with their outcomes, and the changes that calls made with the recorded ones. */
export function accountFor(
  cloud: CloudModel,
  expected: readonly Expected[],
  asOf: readonly string[],
  closedAt: string,
): Account {
  const problems: string[] = [];
  const outcomes: Record<string, number> = {};
  const standing = standingOf(linesOf(cloud));
  const leftOut = new Set(
    summariesOf(cloud).flatMap(([, { poll, skipped }]) => (skipped > 0 ? `${poll.rule} ${poll.asOf}` : [])),
  );
  for (const { finding, isRemediable } of expected) {
    const { rule, account, resource } = finding;
    const name = `${rule} ${account} ${resource}`;
    const lines = asOf.map((moment) => standing.get([moment, rule, account, resource].join(' ')) ?? []);
    for (const [index, of] of lines.entries()) {
      // A poll skips what earlier polls have not finished, and reports it.
      if (of.length !== 1 && !(of.length === 0 && leftOut.has(`${rule} ${asOf[index]}`))) {
        problems.push(`${name}: ${of.length} outcomes in poll ${asOf[index]}${of.map(lineText).join('')}`);
      }
      for (const { outcome, deadLetter } of of) {
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
        if (deadLetter === true) problems.push(`${name}: ends as a dead letter`);
      }
    }
    const isFixed = RULE_KINDS[rule]?.isFixed(cloud.stateOf(account), resource) === true;
    if (isRemediable && !isFixed)
      problems.push(
        `${name}: is not fixed: ${lines
          .flat()
          .map(({ outcome, reason }) => `${outcome} (${reason})`)
          .join('; ')}`,
      );
    if (isRemediable && !lines.flat().some(({ outcome }) => outcome === 'remediated')) {
      problems.push(`${name}: no record says that it was remediated${lines.flat().map(lineText).join('')}`);
    }
  }
  checkClosed(expected, standing, closedAt, problems);
  const all = [...standing.values()].flat();
  const polls = asOf.length + 1;
  const skipped = summariesOf(cloud).reduce((total, [, summary]) => total + summary.skipped, 0);
  cloud.counts.add('skipped findings', skipped);
  const [most, out] = [all.length + skipped, expected.length * polls];
  if (all.length > out || most < out) {
    problems.push(`${expected.length * polls} findings in, ${all.length} outcomes out, ${skipped} skipped`);
  }
  const unknown = compareChanges(cloud, all, problems);
  const transitions = cloud.seen.length;
  const unconfirmed = all.flatMap(unconfirmedIn);
  if (Math.max(unconfirmed.length, unknown) > transitions * MOST_UNCONFIRMED_SHARE) {
    problems.push(`of ${transitions} changes, ${unknown} are unknown; ${unconfirmed.length} are unconfirmed`);
  }
  checkEvents(cloud, all, problems);
  checkPolls(cloud, all, problems);
  checkTable(cloud, all, problems);
  checkChanged(cloud, all, problems);
  return {
    counts: cloud.counts,
    findings: expected.length,
    polls: asOf.length,
    outcomes,
    transitions,
    unconfirmed,
    unknown,
    problems,
  };
}

/** Each finding is closed once, by the poll that no longer returns it, and by no other poll. */
function checkClosed(
  expected: readonly Expected[],
  standing: ReadonlyMap<string, readonly Line[]>,
  closedAt: string,
  problems: string[],
): void {
  for (const { finding } of expected) {
    const { rule, account, resource } = finding;
    const of = standing.get([closedAt, rule, account, resource].join(' ')) ?? [];
    if (of.length === 1 && of[0]?.outcome === 'closed') continue;
    problems.push(`${rule} ${account} ${resource}: is not closed once${of.map(lineText).join('')}`);
  }
  for (const { poll, outcome, finding } of [...standing.values()].flat()) {
    if (outcome === 'closed' && poll.asOf !== closedAt)
      problems.push(`${finding.resource}: is closed by the poll of ${poll.asOf}`);
  }
}

function grouped<T>(values: readonly T[], keyOf: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const key = keyOf(value);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [value]);
    else group.push(value);
  }
  return groups;
}

function isAbout({ applied }: Line, { item }: Transition): boolean {
  const recorded = recordedTransitions(applied.map(({ change }) => change));
  return recorded.some((other) => other.item === item);
}

/** @returns the number of changes that are only recorded as unconfirmed */
function compareChanges(cloud: CloudModel, lines: readonly Line[], problems: string[]): number {
  const seen = grouped(cloud.seen, ({ account }) => account);
  const recorded = grouped(lines, ({ finding }) => finding.account);
  let unknown = 0;
  for (const account of new Set([...seen.keys(), ...recorded.keys()])) {
    const of = recorded.get(account) ?? [];
    const applied = of.flatMap((line) => line.applied.map(({ change }) => change));
    const doubts = new Doubts(
      applied,
      of.flatMap((line) => line.unconfirmed.map(({ change }) => change)),
    );
    const made: Transition[] = (seen.get(account) ?? []).map(({ account: _, ...each }) => each);
    const inRecord = recordedTransitions(applied);
    for (const each of missingFrom(made, inRecord)) {
      if (doubts.take(each)) unknown += 1;
      else problems.push(`${account}: not recorded: ${transitionText(each)}`);
    }
    for (const each of missingFrom(inRecord, made)) {
      const lines = of.filter((line) => isAbout(line, each)).map(lineText);
      problems.push(`${account}: recorded, and never changed: ${transitionText(each)}${lines.join('')}`);
    }
    for (const { finding, applied: changes, startedAt } of of) {
      if (changes.some(({ appliedAt }) => Date.parse(appliedAt) < Date.parse(startedAt))) {
        problems.push(`${finding.resource}: applied before ${startedAt}, when the work began`);
      }
    }
  }
  return unknown;
}

/** Checks that every change is published at least once. */
function checkEvents(cloud: CloudModel, lines: readonly Line[], problems: string[]): void {
  const published = new Set(
    cloud.events.flatMap(({ type, detail }) => {
      if (type !== 'Finding Outcome') return [];
      const { outcome, finding, evidence } = eventSchema.parse(detail);
      const key = evidence.replace(`s3://${BUCKETS.evidence}/`, '');
      return [outcome, key].map((what) => `${finding?.account} ${finding?.resource} ${what}`);
    }),
  );
  for (const stored of cloud.table.items) {
    const { data } = findingItemSchema.safeParse(stored);
    if (data === undefined) continue;
    // The changes that the table lists were published before.
    for (const { evidence } of data.changes) {
      const name = `${data.account} ${data.resource} ${evidence}`;
      if (!published.has(name)) problems.push(`${name}: no event reports it`);
    }
  }
  for (const { finding, outcome, applied } of lines) {
    const { account, resource } = finding;
    if (applied.length > 0 && !published.has(`${account} ${resource} ${outcome}`)) {
      problems.push(`${account} ${resource}: no event reports ${outcome}`);
    }
  }
}

/** The summaries of polls, by key. */
function summariesOf(cloud: CloudModel): (readonly [string, PollSummary])[] {
  return [...cloud.objects.below(BUCKETS.evidence, 'polls/')]
    .filter(([key]) => !key.includes('/listed-'))
    .map(([key, body]) => [key, pollSummarySchema.parse(JSON.parse(new TextDecoder().decode(body)))]);
}

/** Checks that a poll has an outcome for everything that it reports as sent. */
function checkPolls(cloud: CloudModel, lines: readonly Line[], problems: string[]): void {
  const byPoll = grouped(lines, ({ poll }) => `${poll.rule}/${epochSeconds(poll)}`);
  const polled = new Set<string>();
  for (const [key, summary] of summariesOf(cloud)) {
    const name = key.replace(/^polls\/|\.json$/g, '');
    polled.add(name);
    const of = byPoll.get(name) ?? [];
    const closed = of.filter(({ outcome }) => outcome === 'closed').length;
    const unprocessable = [...cloud.objects.below(BUCKETS.evidence, `unprocessable/${name}/`)].length;
    const sent = summary.findings + summary.deferred;
    // A run of the collector that did not finish may have sent what the last run left out.
    const further = Math.min(Math.max(0, of.length - closed - sent), summary.skipped);
    const said = [sent + further, summary.closed];
    const found = [of.length - closed, closed];
    if (!isDeepStrictEqual(said, found))
      problems.push(`${key} says ${said}, and there are ${found} outcomes`);
    // A run that did not finish has written some, too.
    if (sum(summary.unprocessable) > unprocessable) problems.push(`${key}: ${unprocessable} items are kept`);
  }
  for (const name of byPoll.keys()) if (!polled.has(name)) problems.push(`poll ${name} has no summary`);
}

/**
 * No lease is held unless evidence shows that its job only looked, the jobs' evidence is listed, and each finding's item names
 * evidence that exists and has its outcome.
 */
function checkTable(cloud: CloudModel, lines: readonly Line[], problems: string[]): void {
  const evidence = new Map(
    [...grouped(lines, ({ key, finding }) => `${key} ${finding.account} ${finding.resource}`)].map(
      ([name, of]) => [name, of.map(({ outcome }) => outcome)],
    ),
  );
  const written = grouped(linesOf(cloud), ({ key }) => /([^/]+)\.jsonl\.gz$/.exec(key)?.[1] ?? key);
  const announced = new Set<string>();
  const known = new Set<string>();
  for (const stored of cloud.table.items) {
    const { pk, sk } = itemSchema.parse(stored);
    if (pk.startsWith('lease#')) {
      const { state } = leaseSchema.parse(stored);
      const ofFirst = written.get(`${pk.split('#')[2]}-1`) ?? [];
      const onlyLooked = ofFirst.length > 0 && ofFirst.every(({ applied }) => applied.length === 0);
      if (state !== 'done' && state !== 'recorded' && !(state === 'held' && onlyLooked))
        problems.push(`${pk} is ${state}`);
      continue;
    }
    if (pk.startsWith('done#')) {
      for (const { job, number } of doneSchema.parse(stored).jobs) announced.add(`${job}-${number}`);
      continue;
    }
    if (sk === CHANGED || ['count#', 'poll#', 'sent#', 'trip#'].some((prefix) => pk.startsWith(prefix)))
      continue;
    const { account, resource, rule, outcome, changes } = findingItemSchema.parse(stored);
    known.add(`${rule} ${account} ${resource}`);
    const last = changes.at(-1)?.evidence;
    if (!evidence.get(`${last} ${account} ${resource}`)?.includes(outcome)) {
      problems.push(`${pk}: ${outcome} is not in ${last}`);
    }
  }
  for (const [name, of] of written) {
    // An outcome that could not be published only says that the job was not finished.
    if (!announced.has(name) && !of.every(({ deadLetter }) => deadLetter === true))
      problems.push(`${name} is evidence of which the table does not know`);
  }
  for (const { finding } of lines) {
    const name = `${finding.rule} ${finding.account} ${finding.resource}`;
    if (!known.has(name)) problems.push(`${name}: the table does not list it`);
    known.add(name);
  }
}

/** Checks that the table informs other jobs of exactly the changes in the evidence, each once. */
function checkChanged(cloud: CloudModel, lines: readonly Line[], problems: string[]): void {
  const nameOfChange = ({ line, appliedAt, change }: Applied): string =>
    `${change.resource}: ${line} at ${appliedAt}`;
  const inEvidence = lines
    .flatMap(({ applied }) => applied)
    .filter(({ change }) => change.kind !== 'automation-execution-start')
    .map(nameOfChange);
  const inTable = cloud.table.items.flatMap((stored) =>
    itemSchema.parse(stored).sk === CHANGED ? changedSchema.parse(stored).changes.map(nameOfChange) : [],
  );
  for (const name of notAmong(inEvidence, inTable)) problems.push(`the table does not list ${name}`);
  for (const name of notAmong(inTable, inEvidence)) problems.push(`only the table lists ${name}`);
}

/** The texts that are more often in the first list than in the second. */
function notAmong(texts: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return texts.filter((text) => {
    const at = left.indexOf(text);
    if (at < 0) return true;
    left.splice(at, 1);
    return false;
  });
}

/** An account as lines for a person. */
export function accountLines(account: Account, seed: number, seconds: number): string[] {
  const { counts, findings, polls, outcomes, transitions, unconfirmed, unknown, problems } = account;
  const share = transitions === 0 ? 0 : (100 * unconfirmed.length) / transitions;
  return [
    `seed ${seed}: ${findings} findings in ${polls} polls, ${seconds.toFixed(1)} s`,
    ...counts.entries.map(([name, number]) => `  ${String(number).padStart(8)} ${name}`),
    `outcomes: ${Object.entries(outcomes)
      .map(([name, number]) => `${number} ${name}`)
      .join(', ')}`,
    `${transitions} changes were seen, ${unknown} of them are in no record; records list ${unconfirmed.length} as unconfirmed (${share.toFixed(2)} %); ${problems.length} wrong`,
    ...unconfirmed.slice(0, 50).map((words) => `unconfirmed: ${words}`),
    ...problems.slice(0, 50),
    ...(problems.length > 50 ? [`and ${problems.length - 50} more`] : []),
  ];
}
