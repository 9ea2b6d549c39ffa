import { describeError } from '../../aws/errors.ts';
import { canTakeBack, namesAll, toLookAt } from '../../changes/index.ts';
import { TakeBackError } from '../../model/errors.ts';
import type { Finding } from '../../model/finding.ts';
import type { Mode } from '../../model/mode.ts';
import type { Outcome, RecordedChange } from '../../model/outcome.ts';
import type { SettingsVersions } from '../../model/settings.ts';
import type { Book, Entry } from '../book.ts';
import type { OutcomeDetails } from '../verdict.ts';
import type { Work } from '../work.ts';
import type { Journal } from './journal.ts';
import { recurrenceOf, recurrenceWords } from './recurring.ts';

/** Context of an outcome, in addition to the state of its finding. */
export interface OutcomeContext extends Work {
  readonly startedAt: string;
  /** The rule's mode for the job's account, if known. */
  readonly mode?: Mode | undefined;
  /** True if an open breaker turns the job into a dry run. */
  readonly isOnlyPlanned: boolean;
  /** Undefined if the settings could not be read. */
  readonly settingsVersions?: SettingsVersions | undefined;
  /** Expired exemptions by resource. */
  readonly endedExemptions: ReadonlyMap<string, readonly string[]>;
  /** The tags of resources that were found to violate the rule. */
  readonly tags: ReadonlyMap<string, Readonly<Record<string, string>>>;
}

/**
 * Composes the outcomes that an attempt must write: those of concluded findings, and provisional ones, which must be
 * visible before a later attempt writes the final outcome.
 */
export async function outcomesOf(book: Book, context: OutcomeContext): Promise<Outcome[]> {
  const concluded = book
    .in('concluded')
    .filter(({ recorded }) => recorded === undefined)
    .map(({ finding, at, outcome, details }) => ({ finding, at, facts: { outcome, ...details } }));
  const provisional: typeof concluded = [];
  for (const entry of book.in('retry')) {
    const facts = await provisionalFacts(entry, context);
    if (facts !== undefined) provisional.push({ finding: entry.finding, at: entry.at, facts });
  }
  return Promise.all(
    [...concluded, ...provisional].map(({ finding, at, facts }) =>
      composeOutcome(finding, at, facts, context),
    ),
  );
}

type OutcomeFacts = OutcomeDetails & Pick<Outcome, 'outcome' | 'deadLetter' | 'stillOpen'>;

async function provisionalFacts(
  { finding, error, details }: Entry<'retry'>,
  { attempt, journal }: OutcomeContext,
): Promise<OutcomeFacts | undefined> {
  const failed = { ...details, outcome: 'failed', willRetry: true } as const;
  if (attempt.last) {
    const reason = `not finished after ${attempt.number} attempts, so the job is in the dead-letter queue; the next poll or a redrive attempts it again. Last error: ${describeError(error)}`;
    const unresolved = journal.unresolved(finding.resource);
    const canBeLeft = await Promise.all(unresolved.map(({ change }) => canTakeBack(change)));
    return { ...failed, deadLetter: true, ...(canBeLeft.includes(true) && { stillOpen: true }), reason };
  }
  if (error instanceof TakeBackError) return { ...failed, stillOpen: true, reason: describeError(error) };
  return undefined;
}

/**
 * Lists completed changes with several calls, of which an earlier attempt may have made a part: their records may not
 * contain everything that was added.
 */
async function inDoubt(resource: string, journal: Journal): Promise<RecordedChange[]> {
  const applied = new Map(journal.applied(resource).map(({ line, change }) => [line, change]));
  const isInDoubt = async ({ line, change }: RecordedChange): Promise<boolean> => {
    const made = applied.get(line);
    if (made === undefined || journal.noted(resource, line).isSure) return false;
    return (await canTakeBack(change)) && !(await namesAll(made));
  };
  const planned = journal.planned(resource);
  const are = await Promise.all(planned.map(isInDoubt));
  return planned.filter((_, index) => are[index] === true);
}

/** Adds to the reason the changes with unknown results, and where to check them. */
async function withUnconfirmed(
  reason: string | undefined,
  unconfirmed: readonly RecordedChange[],
  { account, region }: Finding,
): Promise<string> {
  const lines = unconfirmed.map(({ line }) => `"${line}"`).join(', ');
  const toLook = new Set(await Promise.all(unconfirmed.map(({ change }) => toLookAt(change))));
  const where = region === 'global' ? `account ${account}` : `account ${account}, ${region}`;
  const words = `unconfirmed, because AWS did not answer or an attempt was interrupted: ${lines}; in ${where}, check ${[...toLook].join(', and ')}`;
  return reason === undefined ? words : `${reason}; ${words}`;
}

/** Adds to the outcome of a fix that the finding is recurring, if it is. */
function withRecurrence(
  finding: Finding,
  at: string,
  facts: OutcomeFacts,
  { job, journal, memory, tags }: OutcomeContext,
): OutcomeFacts & Pick<Outcome, 'recurring'> {
  const { resource } = finding;
  if (facts.outcome !== 'remediated' || journal.applied(resource).length === 0) return facts;
  const recurring = recurrenceOf(memory.of(resource), job.poll, Date.parse(at));
  if (recurring === undefined) return facts;
  const words = recurrenceWords(recurring, finding, tags.get(resource));
  const reason = facts.reason === undefined ? words : `${facts.reason}; ${words}`;
  return { ...facts, reason, recurring };
}

/** Composes an outcome, with the changes that this attempt and earlier ones applied. */
async function composeOutcome(
  finding: Finding,
  finishedAt: string,
  given: OutcomeFacts,
  context: OutcomeContext,
): Promise<Outcome> {
  const { job, journal, settingsVersions, startedAt, endedExemptions } = context;
  const { resource } = finding;
  // A job that made changes before the breaker opened was not a dry run.
  const mode = context.isOnlyPlanned && !journal.hasBegun(resource) ? 'dry_run' : context.mode;
  const facts = withRecurrence(finding, finishedAt, given, context);
  const earlierPlan = journal.earlierPlan(resource);
  const applied = journal.applied(resource);
  const seen = journal.seen(resource) ?? facts.seen;
  const plan = facts.plan ?? earlierPlan ?? [];
  const ended = endedExemptions.get(resource) ?? [];
  const unresolved = journal.unresolved(resource);
  const partly = (await inDoubt(resource, journal)).filter(
    ({ line }) => !unresolved.some((each) => each.line === line),
  );
  const unconfirmed = [...unresolved, ...partly];
  const reason =
    unconfirmed.length > 0 ? await withUnconfirmed(facts.reason, unconfirmed, finding) : undefined;
  const isKnown = ({ line, ifLeftOpen }: RecordedChange): boolean =>
    [plan, ...(ifLeftOpen ? [] : [applied])].every((changes) =>
      changes.some((change) => change.line === line),
    );
  return {
    version: 1,
    poll: job.poll,
    finding,
    ...(mode !== undefined && { mode }),
    ...(settingsVersions !== undefined && { settings: settingsVersions }),
    ...facts,
    ...(reason !== undefined && { reason, unconfirmed }),
    plan,
    applied,
    ...(earlierPlan?.every(isKnown) === false && { earlierPlan }),
    ...(seen !== undefined && { seen }),
    ...(ended.length > 0 && { endedExemptions: [...ended] }),
    startedAt: earliest([startedAt, ...applied.map(({ appliedAt }) => appliedAt)]),
    finishedAt,
  };
}

/** Returns the earliest time. The functions that worked on a job may have different clocks. */
function earliest(moments: readonly string[]): string {
  return moments.reduce((one, other) => (Date.parse(other) < Date.parse(one) ? other : one));
}
