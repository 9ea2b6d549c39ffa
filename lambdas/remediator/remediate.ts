import pLimit from 'p-limit';
import { loadRule, ruleIds } from '../rules/index.ts';
import type { Assessment, Rule } from '../rules/rule.ts';
import { describeError, errorKind } from '../shared/aws-errors.ts';
import type { AwsSession } from '../shared/aws-session.ts';
import type { Clock } from '../shared/clock.ts';
import { SettingsError } from '../shared/errors.ts';
import type { Finding } from '../shared/finding.ts';
import { formatIssues } from '../shared/issues.ts';
import { type Job, jobId, pollId } from '../shared/job.ts';
import type { AppliedChange, Outcome, RecordedChange } from '../shared/outcome.ts';
import { applyPlan, recordPlan } from './apply-plan.ts';
import { assessEach, readBack } from './assess.ts';
import { Conclusions, type Facts, type Unfinished } from './conclusions.ts';
import type { EvidenceStore, Journal } from './evidence.ts';
import { exemptionsOf, exemptionTagOf } from './exemptions.ts';
import type { SessionRequest } from './session.ts';
import { isPaused, modeFor, type Settings } from './settings.ts';

/** Where a rule's settings come from. */
export interface SettingsSource {
  /** @throws SettingsError when they can't be read, don't fit together or don't parse */
  read(rule: string): Promise<Settings>;
  /**
   * The pause parameter's value, at most some seconds old.
   * @throws SettingsError when it can't be read
   */
  pause(): Promise<string>;
}

/** What remediating needs of the world. */
export interface Surroundings {
  readonly settings: SettingsSource;
  readonly evidence: EvidenceStore;
  readonly clock: Clock;
  openSession(request: SessionRequest): Promise<AwsSession>;
}

/** One delivery of a job. */
export interface Attempt {
  /** How often the job has been delivered, this time included. */
  readonly number: number;
  /** Whether it goes to the dead-letter queue if this one does not finish it. */
  readonly last: boolean;
  /** How long the function may still work, in milliseconds. */
  remainingMilliseconds(): number;
}

/** What came of a job. */
export interface JobResult {
  /** One a finding that is done. The evidence store has them. */
  readonly outcomes: readonly Outcome[];
  /** What must be worked on again. In a last attempt these findings have outcomes, too. */
  readonly unfinished: readonly Unfinished[];
  /** Set where the settings can't be used, so that nothing was done. */
  readonly settingsError?: SettingsError;
}

/** With less time left than this nothing more is changed: what was changed must still be read back and recorded. */
const RESERVED_MILLISECONDS = 45_000;

const READS_AT_ONCE = 8;

type Violation = Extract<Assessment, { state: 'violation' }>;
type JournalEntry = Journal['resources'][number];

/** A violation that is to be cured, with its plan. */
interface Case {
  readonly finding: Finding;
  readonly violation: Violation;
  readonly plan: RecordedChange[];
}

/**
 * Works on a job: reads the resources, plans, applies (where the rule's mode is `enforce` and nothing stands against
 * it), reads back, and writes one outcome a finding.
 * @throws InvalidInputError when the job names a rule that there is not; AWS's own error when the evidence can't be
 * read or written: before anything is changed, or after it, so that the next attempt finds it in the journal
 */
export async function remediate(job: Job, attempt: Attempt, surroundings: Surroundings): Promise<JobResult> {
  const { evidence, clock } = surroundings;
  const rule = await loadRule(job.poll.rule);
  const earlier = await recall(job, attempt, evidence);
  const findings = job.findings.filter((finding) => !earlier.outcomes.has(finding.resource));
  const conclusions = new Conclusions({ ...job, findings }, clock);
  const work = new Work(job, rule, attempt, surroundings, conclusions, earlier.journal);
  const settingsError = await work.run();
  if (attempt.last) conclusions.giveUp(attempt.number);
  const written = await conclusions.write(evidence);
  return {
    // An earlier attempt may have been cut off before it told anyone.
    outcomes: [...earlier.outcomes.values(), ...written],
    unfinished: conclusions.unfinished,
    ...(settingsError !== undefined && { settingsError }),
  };
}

/** Finds out what earlier attempts at a job did. */
async function recall(
  job: Job,
  attempt: Attempt,
  evidence: EvidenceStore,
): Promise<{ outcomes: ReadonlyMap<string, Outcome>; journal: readonly JournalEntry[] }> {
  const outcomes = new Map<string, Outcome>();
  if (attempt.number === 1) return { outcomes, journal: [] };
  const journal = await evidence.readJournal(jobId(job));
  await pLimit(READS_AT_ONCE).map(job.findings, async (finding) => {
    const outcome = await evidence.readOutcome(job.poll, finding);
    if (outcome !== undefined && outcome.deadLetter !== true) outcomes.set(finding.resource, outcome);
  });
  return { outcomes, journal: journal?.resources ?? [] };
}

class Work {
  readonly #job: Job;
  readonly #rule: Rule;
  readonly #attempt: Attempt;
  readonly #world: Surroundings;
  readonly #conclusions: Conclusions;
  /** What earlier attempts at this job planned and applied, by resource; then what this one does. */
  readonly #journal: Map<string, JournalEntry>;

  constructor(
    job: Job,
    rule: Rule,
    attempt: Attempt,
    world: Surroundings,
    conclusions: Conclusions,
    journal: readonly JournalEntry[],
  ) {
    this.#job = job;
    this.#rule = rule;
    this.#attempt = attempt;
    this.#world = world;
    this.#conclusions = conclusions;
    this.#journal = new Map(journal.map((entry) => [entry.resource, entry]));
  }

  /** @returns the error that the settings have, if any */
  async run(): Promise<SettingsError | undefined> {
    const conclusions = this.#conclusions;
    if (conclusions.open.length === 0) return undefined;
    let settings: Settings;
    let paused: boolean;
    try {
      settings = await this.#world.settings.read(this.#rule.id);
      conclusions.mode = modeFor(settings, this.#job.account);
      paused = conclusions.mode === 'enforce' && (await this.#isPaused());
    } catch (error) {
      if (!(error instanceof SettingsError)) {
        conclusions.putBackAll(error);
        return undefined;
      }
      conclusions.concludeAll('failed', { reason: error.message, willRetry: true });
      return error;
    }
    if (conclusions.mode === 'off') {
      const reason = `rule ${this.#rule.id} is off for account ${this.#job.account}`;
      conclusions.concludeAll('not_applicable', { reason });
      return undefined;
    }

    const findings = conclusions.open.filter((finding) => this.#isToBeRead(finding, settings));
    if (findings.length === 0) return undefined;
    const enforcing = conclusions.mode === 'enforce' && !paused;
    const session = await this.#openSession(enforcing);
    if (session === undefined) return undefined;

    const cases = await this.#assess(session, findings, settings);
    if (enforcing) return this.#enforce(session, cases, settings);
    for (const { finding, violation, plan } of cases) {
      const facts = { plan, seen: violation.seen };
      if (paused) conclusions.conclude(finding, 'deferred', { ...facts, ...this.#pauseFacts() });
      else conclusions.conclude(finding, 'planned', { ...facts, ...notesOf(violation) });
    }
    return undefined;
  }

  /** Reads and plans. What is no violation, or exempt by its tag, has its outcome then. */
  async #assess(
    session: AwsSession,
    findings: readonly Finding[],
    settings: Settings,
  ): Promise<readonly Case[]> {
    const resources = findings.map((finding) => finding.resource);
    const assessments = await assessEach(this.#rule, session, resources, settings.options);
    const cases: Case[] = [];
    for (const finding of findings) {
      const assessment = assessments.get(finding.resource);
      if (assessment === undefined || assessment instanceof Error) {
        this.#conclusions.failOrPutBack(finding, assessment);
      } else if (assessment.state !== 'violation') {
        this.#concludeUnviolated(finding, assessment);
      } else if (!this.#isExemptByTag(finding, assessment)) {
        cases.push({ finding, violation: assessment, plan: await recordPlan(assessment.plan) });
      }
    }
    return cases;
  }

  async #enforce(session: AwsSession, cases: readonly Case[], settings: Settings): Promise<undefined> {
    if (cases.length === 0) return;
    const conclusions = this.#conclusions;
    // Read before this attempt writes its own into the journal.
    const earlierPlans = new Map([...this.#journal].map(([resource, { plan }]) => [resource, plan]));
    for (const { finding, plan } of cases) this.#note(finding, plan, []);
    await this.#writeJournal();

    const changed: (Case & { readonly facts: Facts })[] = [];
    let hasLeftovers = false;
    for (const toCure of cases) {
      const { finding, violation, plan } = toCure;
      const earlierPlan = earlierPlans.get(finding.resource);
      const facts: Facts = {
        plan,
        seen: violation.seen,
        applied: this.#note(finding, plan, []),
        ...(earlierPlan !== undefined && { earlierPlan }),
      };
      if (!(await this.#mayChange(finding, facts))) continue;

      const { applied, error } = await applyPlan(session, violation.plan);
      facts.applied = this.#note(finding, plan, applied);
      if (error === undefined) changed.push({ ...toCure, facts });
      else {
        hasLeftovers ||= applied.length > 0;
        conclusions.failOrPutBack(finding, error, facts);
      }
    }

    const resources = changed.map(({ finding }) => finding.resource);
    const results = await readBack(this.#rule, session, resources, settings.options, this.#world.clock);
    for (const { finding, violation, facts } of changed) {
      const result = results.get(finding.resource);
      if (result === undefined || result instanceof Error) {
        hasLeftovers = true;
        const words = 'the changes were made, but the resource could not be read back: ';
        conclusions.failOrPutBack(finding, result, facts, words);
      } else if (result.state === 'violation') {
        const reason = `AWS accepted the changes, but ${finding.resource} still violates the rule when it is read back`;
        conclusions.conclude(finding, 'failed', { ...facts, willRetry: true, reason });
      } else if (result.state === 'busy') {
        conclusions.conclude(finding, 'deferred', { ...facts, willRetry: true, reason: result.reason });
      } else conclusions.conclude(finding, 'remediated', { ...facts, ...notesOf(violation) });
    }
    // What was changed and has no outcome yet must be known to the next attempt.
    if (hasLeftovers) await this.#writeJournal();
  }

  /** Whether the finding may be worked on now; otherwise it has its outcome, or is put back. */
  async #mayChange(finding: Finding, facts: Facts): Promise<boolean> {
    const conclusions = this.#conclusions;
    if (this.#attempt.remainingMilliseconds() < RESERVED_MILLISECONDS) {
      conclusions.putBack(finding, new Error('the function had no time left for it'), facts);
      return false;
    }
    try {
      if (!(await this.#isPaused())) return true;
      conclusions.conclude(finding, 'deferred', { ...facts, ...this.#pauseFacts() });
    } catch (error) {
      if (!(error instanceof SettingsError)) conclusions.putBack(finding, error, facts);
      else conclusions.conclude(finding, 'failed', { ...facts, reason: error.message, willRetry: true });
    }
    return false;
  }

  /**
   * Adds to what the journal knows of a resource. What an earlier attempt planned stays known: it may have been applied.
   * @returns all that was applied, this time and before
   */
  #note({ resource }: Finding, plan: RecordedChange[], applied: readonly AppliedChange[]): AppliedChange[] {
    const before = this.#journal.get(resource);
    const entry = { resource, plan: before?.plan ?? plan, applied: [...(before?.applied ?? []), ...applied] };
    this.#journal.set(resource, entry);
    return entry.applied;
  }

  #writeJournal(): Promise<void> {
    const journal: Journal = { version: 1, resources: [...this.#journal.values()] };
    return this.#world.evidence.writeJournal(jobId(this.#job), journal);
  }

  /** Whether AWS must be asked about the finding; otherwise it has its outcome. */
  #isToBeRead(finding: Finding, settings: Settings): boolean {
    const id = this.#rule.resourceId.safeParse(finding.resource);
    if (!id.success) {
      const reason = `resource "${finding.resource}": ${formatIssues(id.error)}`;
      this.#conclusions.conclude(finding, 'failed', { willRetry: false, reason });
      return false;
    }
    const now = new Date(this.#world.clock.now());
    const { reason, ended } = exemptionsOf(finding, settings.exemptions, now);
    this.#conclusions.noteEnded(finding, ended);
    if (reason === undefined) return true;
    this.#conclusions.conclude(finding, 'exempt', { reason });
    return false;
  }

  #isExemptByTag(finding: Finding, { tags, seen }: Violation): boolean {
    const now = new Date(this.#world.clock.now());
    const { reason, malformed, ended } = exemptionTagOf(tags, now);
    this.#conclusions.noteEnded(finding, ended);
    if (malformed !== undefined) {
      this.#conclusions.conclude(finding, 'failed', { willRetry: true, reason: malformed, seen });
    } else if (reason !== undefined) this.#conclusions.conclude(finding, 'exempt', { reason, seen });
    return malformed !== undefined || reason !== undefined;
  }

  #concludeUnviolated(finding: Finding, assessment: Exclude<Assessment, Violation>): void {
    const conclusions = this.#conclusions;
    const earlier = this.#journal.get(finding.resource);
    const facts: Facts =
      earlier === undefined
        ? {}
        : { plan: earlier.plan, applied: earlier.applied, earlierPlan: earlier.plan };
    if (assessment.state === 'gone') {
      const reason = `${finding.resource} does not exist any more`;
      conclusions.conclude(finding, 'gone', { ...facts, reason });
    } else if (assessment.state === 'busy') {
      conclusions.conclude(finding, 'deferred', { ...facts, willRetry: true, reason: assessment.reason });
    } else if (earlier !== undefined) {
      const notes = assessment.state === 'not_applicable' ? `; ${assessment.reason}` : '';
      const reason = `an earlier attempt at this job planned these changes and was cut off before it recorded an outcome; ${finding.resource} complies now${notes}`;
      conclusions.conclude(finding, 'remediated', { ...facts, reason });
    } else if (assessment.state === 'not_applicable') {
      conclusions.conclude(finding, 'not_applicable', { reason: assessment.reason });
    } else conclusions.conclude(finding, 'compliant');
  }

  /** @returns undefined where there is none, and the findings have their outcomes or are put back */
  async #openSession(enforcing: boolean): Promise<AwsSession | undefined> {
    const { account, region, poll } = this.#job;
    const { read, write } = this.#rule.permissions;
    try {
      return await this.#world.openSession({
        account,
        region,
        name: pollId(poll),
        // In dry run the credentials themselves can't change anything.
        permissions: enforcing ? [...read, ...write] : read,
      });
    } catch (error) {
      if (errorKind(error) !== 'refused') this.#conclusions.putBackAll(error);
      else {
        const reason = `the target role in account ${account} can't be assumed: it is missing there, or does not trust this remediator (name, external id, organization); deploy modules/target in that account. ${describeError(error)}`;
        this.#conclusions.concludeAll('failed', { willRetry: true, reason });
      }
      return undefined;
    }
  }

  async #isPaused(): Promise<boolean> {
    return isPaused(await this.#world.settings.pause(), this.#rule.id, ruleIds);
  }

  #pauseFacts(): Facts {
    return {
      willRetry: true,
      reason: `enforcement of ${this.#rule.id} is paused in ${this.#job.region}: the pause parameter says so`,
    };
  }
}

/** What the plan leaves as it is on purpose, as an outcome's reason. */
function notesOf({ notes = [] }: Violation): Facts {
  return notes.length === 0 ? {} : { reason: notes.join('; ') };
}
