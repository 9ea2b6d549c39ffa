import pLimit from 'p-limit';
import type { Change } from '../changes/change.ts';
import { loadRule, ruleIds } from '../rules/index.ts';
import type { Assessment, Rule } from '../rules/rule.ts';
import { type Runbook, startPermissions } from '../rules/runbook.ts';
import { describeError, errorKind, isAwsError } from '../shared/aws-errors.ts';
import type { AwsSession } from '../shared/aws-session.ts';
import type { Clock } from '../shared/clock.ts';
import { OutOfTimeError, SettingsError } from '../shared/errors.ts';
import type { Finding } from '../shared/finding.ts';
import { formatIssues } from '../shared/issues.ts';
import { type Job, journalId, pollId } from '../shared/job.ts';
import type { Outcome, RecordedChange } from '../shared/outcome.ts';
import { applyPlan, recordPlan } from './apply-plan.ts';
import { assessEach, readBack } from './assess.ts';
import { Conclusions, type Facts, type InProgressFinding, type Unfinished } from './conclusions.ts';
import type { EvidenceStore } from './evidence.ts';
import { exemptionsOf, exemptionTagOf } from './exemptions.ts';
import { Journal } from './journal.ts';
import { executionState, planRunbook } from './runbook.ts';
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
  /** The role that Systems Manager Automation works as in an account. */
  automationRoleArn(account: string): string;
  /** Puts a job back on its queue after a while. */
  lookAgain(job: Job, delaySeconds: number): Promise<void>;
  /** Tells the event bus what came of findings. */
  tell(outcomes: readonly Outcome[]): Promise<void>;
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

/** What came of a job. Each of its findings has an outcome, from this attempt or an earlier one, or is unfinished. */
export interface JobResult {
  /** What this attempt wrote and told, one a finding, and what earlier ones wrote but did not get round to telling. */
  readonly outcomes: readonly Outcome[];
  /** What must be worked on again. In a last attempt these findings have outcomes, too. */
  readonly unfinished: readonly Unfinished[];
  /** What AWS works on for minutes: a further job looks at it. */
  readonly inProgress: readonly InProgressFinding[];
  /** Set where the settings can't be used, so that nothing was done. */
  readonly settingsError?: SettingsError;
  /** What else went wrong: the event bus did not take the outcomes, or the journal could not be written. */
  readonly failures: readonly unknown[];
}

/**
 * With less time left than this nothing more is changed: what was changed must still be read back and recorded. The
 * function's timeout must be well above it.
 */
const RESERVED_MILLISECONDS = 45_000;

const READS_AT_ONCE = 8;

/** What takes AWS longer than this has failed. A large Redshift cluster may take half an hour. */
const LONGEST_IN_PROGRESS_MILLISECONDS = 2 * 3_600_000;
const FIRST_LOOK_SECONDS = 15;
const LONGEST_LOOK_SECONDS = 300;

type Violation = Extract<Assessment, { state: 'violation' }>;

/** A violation that is to be cured, with its plan. */
interface Case {
  readonly finding: Finding;
  readonly violation: Violation;
  readonly changes: readonly Change[];
  readonly facts: Facts & { readonly plan: RecordedChange[] };
}

/**
 * Works on a job: reads the resources, plans, applies (where the rule's mode is `enforce` and nothing stands against
 * it), reads back, writes one outcome a finding and tells it. What goes wrong on the way is part of the result.
 * @throws InvalidInputError when the job names a rule that there is not
 */
export async function remediate(job: Job, attempt: Attempt, surroundings: Surroundings): Promise<JobResult> {
  const { evidence, clock } = surroundings;
  const rule = await loadRule(job.poll.rule);
  const journal = new Journal(journalId(job), evidence);
  const conclusions = new Conclusions(job, journal, clock);
  let isRecalled = false;
  let settingsError: SettingsError | undefined;
  try {
    await recall(job, attempt, evidence, journal, conclusions);
    isRecalled = true;
    settingsError = await new Work(job, rule, attempt, surroundings, journal, conclusions).run();
  } catch (error) {
    conclusions.putBackAll(error);
  }
  const failures: unknown[] = [];
  try {
    await goOn(job, surroundings, journal, conclusions);
  } catch (error) {
    for (const { finding, facts } of conclusions.inProgress) conclusions.putBack(finding, error, facts);
  }
  if (attempt.last) conclusions.giveUp(attempt.number);

  const written = await conclusions.write(evidence);
  if (job.continues !== undefined) await endInProgress(written, evidence, failures);
  const outcomes = [...conclusions.untold, ...written];
  try {
    await surroundings.tell(outcomes);
    journal.tell(outcomes);
  } catch (error) {
    failures.push(error);
  }
  // The next attempt must know what this one did. One that did not learn what is there would write over it.
  const comesBack = conclusions.unfinished.length > 0 || failures.length > 0;
  if (comesBack && isRecalled) await journal.write().catch((error: unknown) => failures.push(error));
  return {
    outcomes,
    unfinished: conclusions.unfinished,
    inProgress: conclusions.inProgress,
    ...(settingsError !== undefined && { settingsError }),
    failures,
  };
}

/**
 * Sees to it that what AWS works on for minutes is looked at again, by a job of its own: no function waits for it. What
 * has taken too long has failed.
 */
async function goOn(
  job: Job,
  { evidence, clock, lookAgain }: Surroundings,
  journal: Journal,
  conclusions: Conclusions,
): Promise<void> {
  if (conclusions.inProgress.length === 0) return;
  const now = new Date(clock.now()).toISOString();
  const { look = 0, since = now } = job.continues ?? {};
  if (Date.parse(now) - Date.parse(since) > LONGEST_IN_PROGRESS_MILLISECONDS) {
    for (const { finding, reason, facts } of conclusions.inProgress) {
      const words = `not done since ${since}: ${reason}; look at ${finding.resource} by hand`;
      conclusions.conclude(finding, 'failed', { ...facts, willRetry: true, reason: words });
    }
    return;
  }
  await journal.write();
  const findings = conclusions.inProgress.map(({ finding }) => finding);
  const continues = { job: journalId(job), look: look + 1, since };
  await pLimit(READS_AT_ONCE).map(findings, (finding) =>
    evidence.writeInProgress(finding, { version: 1, job: continues.job, poll: job.poll, since }),
  );
  const delaySeconds = Math.min(FIRST_LOOK_SECONDS * 2 ** look, LONGEST_LOOK_SECONDS);
  await lookAgain({ ...job, findings, continues }, delaySeconds);
}

/** A mark that can't be taken away only defers the finding for a while. */
async function endInProgress(
  outcomes: readonly Outcome[],
  evidence: EvidenceStore,
  failures: unknown[],
): Promise<void> {
  await pLimit(READS_AT_ONCE).map(outcomes, async ({ finding }) => {
    await evidence.endInProgress(finding).catch((error: unknown) => failures.push(error));
  });
}

/**
 * Finds out what earlier attempts at a job did. A message that comes back from the dead-letter queue counts its
 * attempts from 1 again, so the journal is always asked.
 */
async function recall(
  job: Job,
  attempt: Attempt,
  evidence: EvidenceStore,
  journal: Journal,
  conclusions: Conclusions,
): Promise<void> {
  const isKnown = await journal.read();
  if (attempt.number === 1 && !isKnown) return;
  await pLimit(READS_AT_ONCE).map(job.findings, async (finding) => {
    const outcome = await evidence.readOutcome(job.poll, finding);
    if (outcome !== undefined && outcome.deadLetter !== true) conclusions.keep(outcome);
  });
}

/** One attempt at what is open of a job. */
class Work {
  readonly #job: Job;
  readonly #rule: Rule;
  readonly #attempt: Attempt;
  readonly #world: Surroundings;
  readonly #journal: Journal;
  readonly #conclusions: Conclusions;

  constructor(
    job: Job,
    rule: Rule,
    attempt: Attempt,
    world: Surroundings,
    journal: Journal,
    conclusions: Conclusions,
  ) {
    this.#job = job;
    this.#rule = rule;
    this.#attempt = attempt;
    this.#world = world;
    this.#journal = journal;
    this.#conclusions = conclusions;
  }

  /** @returns the error that the settings have, if any */
  async run(): Promise<SettingsError | undefined> {
    const conclusions = this.#conclusions;
    if (conclusions.open.length === 0) return undefined;
    let settings: Settings;
    let paused: boolean;
    try {
      settings = await this.#readSettings();
      conclusions.mode = modeFor(settings, this.#job.account);
      paused = conclusions.mode === 'enforce' && (await this.#isPaused());
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      conclusions.concludeAll('failed', { reason: error.message, willRetry: true });
      return error;
    }
    if (conclusions.mode === 'off') {
      const reason = `rule ${this.#rule.id} is off for account ${this.#job.account}`;
      conclusions.concludeAll('not_applicable', { reason });
      return undefined;
    }

    const enforcing = conclusions.mode === 'enforce' && !paused;
    const runbook = settings.method === 'runbook' ? this.#rule.runbook : undefined;
    const eligible = conclusions.open.filter((finding) => this.#isToBeRead(finding, settings));
    if (runbook !== undefined) await this.#deferWhatIsInProgress(eligible);
    if (conclusions.open.length === 0) return undefined;
    const session = await this.#openSession(enforcing, runbook);
    if (session === undefined) return undefined;

    const endings = await this.#followExecutions(session, conclusions.open);
    const cases = await this.#assess(session, conclusions.open, settings, runbook, endings);
    if (enforcing) return this.#enforce(session, cases, settings);
    for (const { finding, violation, facts } of cases) {
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
    runbook: Runbook | undefined,
    endings: ReadonlyMap<string, string>,
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
        try {
          const toCure = await this.#planCure(finding, assessment, settings, runbook, endings);
          if (toCure !== undefined) cases.push(toCure);
        } catch (error) {
          this.#conclusions.putBack(finding, error);
        }
      }
    }
    return cases;
  }

  /** The cure of a violation: the runbook first where that is the method, then direct calls for what it left open. */
  async #planCure(
    finding: Finding,
    violation: Violation,
    settings: Settings,
    runbook: Runbook | undefined,
    endings: ReadonlyMap<string, string>,
  ): Promise<Case | undefined> {
    const { seen } = violation;
    const direct = await recordPlan(violation.plan);
    const ending = endings.get(finding.resource);
    if (ending !== undefined && settings.runbook_then === 'report') {
      const reason = `${ending}, and ${finding.resource} still violates the rule (runbook_then is "report")`;
      this.#conclusions.conclude(finding, 'failed', { seen, willRetry: true, reason });
      return undefined;
    }
    if (runbook === undefined || ending !== undefined) {
      return { finding, violation, changes: violation.plan, facts: { plan: direct, seen } };
    }
    const roleArn = this.#world.automationRoleArn(this.#job.account);
    const changes = [planRunbook(runbook, finding, this.#job, roleArn)];
    const then = direct.map(({ line }) => line).join('; ');
    const note = `what ${runbook.document} leaves open is ${settings.runbook_then === 'api' ? `then cured by: ${then}` : 'reported as failed'}`;
    const notes = [...(violation.notes ?? []), note];
    return {
      finding,
      violation: { ...violation, notes },
      changes,
      facts: { plan: await recordPlan(changes), seen },
    };
  }

  /** What another job's runbook works on is not begun again. */
  async #deferWhatIsInProgress(findings: readonly Finding[]): Promise<void> {
    const { evidence, clock } = this.#world;
    await pLimit(READS_AT_ONCE).map(findings, async (finding) => {
      const known = await evidence.readInProgress(finding);
      if (known === undefined || known.job === journalId(this.#job)) return;
      // Whoever began it is lost if it has gone on for longer than any job goes on.
      if (clock.now() - Date.parse(known.since) > LONGEST_IN_PROGRESS_MILLISECONDS) return;
      const reason = `in progress since ${known.since}: poll ${pollId(known.poll)} began it`;
      this.#conclusions.conclude(finding, 'deferred', { willRetry: true, reason });
    });
  }

  /**
   * Looks at the automation executions that were started for findings. What one still works on waits.
   * @returns how those ended that are over, in words, by resource
   */
  async #followExecutions(
    session: AwsSession,
    findings: readonly Finding[],
  ): Promise<ReadonlyMap<string, string>> {
    const endings = new Map<string, string>();
    for (const finding of findings) {
      const execution = this.#journal.execution(finding.resource);
      if (execution === undefined) continue;
      const words = `execution ${execution.executionId} of ${execution.document}`;
      try {
        const state = await executionState(session, execution);
        if (state.isOver) {
          const failure = state.failure === undefined ? '' : ` (${state.failure})`;
          endings.set(finding.resource, `${words} ended as ${state.status}${failure}`);
        } else this.#conclusions.wait(finding, `${words} is ${state.status}`);
      } catch (error) {
        this.#conclusions.failOrPutBack(finding, error, {}, `${words} can't be followed: `);
      }
    }
    return endings;
  }

  async #enforce(session: AwsSession, cases: readonly Case[], settings: Settings): Promise<undefined> {
    if (cases.length === 0) return;
    const conclusions = this.#conclusions;
    for (const { finding, facts } of cases) this.#journal.plan(finding.resource, facts.plan);
    await this.#journal.write();

    const changed: Case[] = [];
    for (const toCure of cases) {
      const { finding, changes, facts } = toCure;
      if (!(await this.#mayChange(finding, facts))) continue;
      const { applied, error } = await applyPlan(session, changes);
      this.#journal.apply(finding.resource, applied);
      const started = changes.some(({ kind }) => kind === 'automation-execution-start');
      if (error === undefined && started) conclusions.wait(finding, 'the runbook was started', facts);
      else if (error === undefined) changed.push(toCure);
      else conclusions.failOrPutBack(finding, error, facts);
    }

    const resources = changed.map(({ finding }) => finding.resource);
    const results = await readBack(this.#rule, session, resources, settings.options, this.#world.clock);
    for (const { finding, violation, facts } of changed) {
      const result = results.get(finding.resource);
      if (result === undefined || result instanceof Error) {
        const words = 'the changes were made, but the resource could not be read back: ';
        conclusions.failOrPutBack(finding, result, facts, words);
      } else if (result.state === 'violation') {
        const reason = `AWS accepted the changes, but ${finding.resource} still violates the rule when it is read back`;
        conclusions.conclude(finding, 'failed', { ...facts, willRetry: true, reason });
      } else if (result.state === 'busy') {
        conclusions.wait(finding, result.reason, facts);
      } else conclusions.conclude(finding, 'remediated', { ...facts, ...notesOf(violation) });
    }
  }

  /** Whether the finding may be worked on now; otherwise it has its outcome, or is put back. */
  async #mayChange(finding: Finding, facts: Facts): Promise<boolean> {
    const conclusions = this.#conclusions;
    const left = this.#attempt.remainingMilliseconds();
    if (left < RESERVED_MILLISECONDS) {
      const seconds = Math.round(left / 1000);
      const error = new OutOfTimeError(
        `the function had ${seconds} s left, too little for changing more: it is tried again; if that goes on, raise the remediator's timeout`,
      );
      conclusions.putBack(finding, error, facts);
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
    const { resource } = finding;
    if (assessment.state === 'gone') {
      conclusions.conclude(finding, 'gone', { reason: `${resource} does not exist any more` });
    } else if (assessment.state === 'busy' && this.#journal.applied(resource).length > 0) {
      conclusions.wait(finding, assessment.reason);
    } else if (assessment.state === 'busy') {
      conclusions.conclude(finding, 'deferred', { willRetry: true, reason: assessment.reason });
    } else if (this.#journal.earlierPlan(resource) !== undefined) {
      const notes = assessment.state === 'not_applicable' ? `; ${assessment.reason}` : '';
      const reason = `an earlier attempt at this job planned these changes and was cut off before it recorded an outcome; ${resource} complies now${notes}`;
      // A later look is meant to find what an earlier job did.
      conclusions.conclude(finding, 'remediated', this.#job.continues === undefined ? { reason } : {});
    } else if (assessment.state === 'not_applicable') {
      conclusions.conclude(finding, 'not_applicable', { reason: assessment.reason });
    } else conclusions.conclude(finding, 'compliant');
  }

  /** @returns undefined where AWS refuses one, and the findings have their outcomes */
  async #openSession(enforcing: boolean, runbook: Runbook | undefined): Promise<AwsSession | undefined> {
    const { account, region, poll } = this.#job;
    const { read, write } = this.#rule.permissions;
    try {
      return await this.#world.openSession({
        account,
        region,
        name: pollId(poll),
        // In dry run the credentials themselves can't change anything.
        permissions: enforcing
          ? [...read, ...(runbook === undefined ? [] : startPermissions(runbook)), ...write]
          : read,
      });
    } catch (error) {
      if (errorKind(error) !== 'refused') throw error;
      const advice = isAwsError(error, 'AccessDenied')
        ? ': it is missing there, or does not trust this remediator (name, external id, organization); deploy modules/target in that account'
        : '';
      const reason = `the target role in account ${account} can't be assumed${advice}. ${describeError(error)}`;
      this.#conclusions.concludeAll('failed', { willRetry: true, reason });
      return undefined;
    }
  }

  /** The rule's settings, its own options included. */
  async #readSettings(): Promise<Settings> {
    const settings = await this.#world.settings.read(this.#rule.id);
    const options = this.#rule.options.safeParse(settings.options);
    if (options.success) return settings;
    throw new SettingsError(
      `settings of ${this.#rule.id}: options: ${formatIssues(options.error)}; nothing is changed until they are right`,
      { cause: options.error },
    );
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
