import { describeAssumeRoleError } from '../aws/assume-role-error.ts';
import { errorKind, isAwsError } from '../aws/errors.ts';
import type { AwsSession } from '../aws/session.ts';
import type { Change } from '../changes/change.ts';
import { OutOfTimeError, SettingsError } from '../model/errors.ts';
import type { Finding } from '../model/finding.ts';
import { formatIssues } from '../model/issues.ts';
import { type Job, pollId } from '../model/job.ts';
import type { RecordedChange } from '../model/outcome.ts';
import { isPaused, modeFor, type Settings } from '../model/settings.ts';
import { ruleIds } from '../rules/index.ts';
import type { Assessment, Rule } from '../rules/rule.ts';
import { followPermission, type Runbook, startPermissions } from '../rules/runbook.ts';
import { applyPlan, recordPlan } from './apply-plan.ts';
import { assessEach, readBack } from './assess.ts';
import type { Conclusions, Facts } from './conclusions.ts';
import { exemptionsOf, exemptionTagOf } from './exemptions.ts';
import { deferWhatIsInProgress, markInProgress } from './in-progress.ts';
import type { Journal } from './journal.ts';
import { describeWindow, isOpen } from './maintenance-window.ts';
import { executionState, planRunbook } from './runbook.ts';
import type { Attempt, Surroundings } from './surroundings.ts';

/**
 * With less time left than this nothing more is changed: what was changed must still be read back and recorded. The
 * function's timeout must be well above it.
 */
const RESERVED_MILLISECONDS = 45_000;

type Violation = Extract<Assessment, { state: 'violation' }>;

/** How an automation execution ended. */
interface Ending {
  readonly status: string;
  readonly words: string;
}

/** A violation that is to be cured, with its plan. */
interface Case {
  readonly finding: Finding;
  readonly violation: Violation;
  readonly changes: readonly Change[];
  readonly facts: Facts & { readonly plan: RecordedChange[] };
}

/** One attempt at what is open of a job. */
export class Work {
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
    let held: string | undefined;
    try {
      settings = await this.#readSettings();
      conclusions.mode = modeFor(settings, this.#job.account);
      held = conclusions.mode === 'enforce' ? await this.#whyNotNow(settings) : undefined;
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      conclusions.concludeAll('failed', { reason: error.message, willRetry: true });
      return error;
    }
    const isOff = conclusions.mode === 'off';
    if (isOff) this.#leaveUnbegun();

    const enforcing = conclusions.mode === 'enforce' && held === undefined;
    const runbook = settings.method === 'runbook' && !isOff ? this.#rule.runbook : undefined;
    const eligible = conclusions.open.filter((finding) => this.#isToBeRead(finding, settings));
    if (runbook !== undefined) await deferWhatIsInProgress(this.#job, eligible, this.#world, conclusions);
    if (conclusions.open.length === 0) return undefined;
    const session = await this.#openSession(enforcing, runbook);
    if (session === undefined) return undefined;

    const endings = await this.#followExecutions(session, conclusions.open);
    const cases = await this.#assess(session, conclusions.open, settings, runbook, endings);
    if (enforcing) return this.#enforce(session, cases, settings);
    for (const { finding, violation, facts } of cases) {
      if (isOff) conclusions.conclude(finding, 'not_applicable', this.#offFacts());
      else if (held !== undefined) this.#defer(finding, held, facts);
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
    endings: ReadonlyMap<string, Ending>,
  ): Promise<readonly Case[]> {
    const resources = findings.map((finding) => finding.resource);
    const assessments = await assessEach(this.#rule, session, resources, settings.options);
    const cases: Case[] = [];
    for (const finding of findings) {
      const assessment = assessments.get(finding.resource);
      if (assessment === undefined || assessment instanceof Error) {
        this.#conclusions.failOrPutBack(finding, assessment);
      } else if (assessment.state !== 'violation') {
        this.#concludeUnviolated(finding, assessment, endings.get(finding.resource));
      } else if (!this.#isExemptByTag(finding, assessment)) {
        try {
          const ending = endings.get(finding.resource);
          const toCure = await this.#planCure(finding, assessment, settings, runbook, ending);
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
    ending: Ending | undefined,
  ): Promise<Case | undefined> {
    const { seen } = violation;
    const direct = await recordPlan(violation.plan);
    if (ending !== undefined) {
      if (runbook !== undefined && settings.runbook_then === 'report') {
        const reason = `${ending.words}, and ${finding.resource} still violates the rule (runbook_then is "report")`;
        this.#conclusions.conclude(finding, 'failed', { seen, willRetry: true, reason });
        return undefined;
      }
      const begun = (this.#journal.earlierPlan(finding.resource) ?? []).filter(isStart);
      const notes = [...(violation.notes ?? []), `${ending.words}; what it left open needs direct calls`];
      return {
        finding,
        violation: { ...violation, notes },
        changes: violation.plan,
        facts: { plan: [...begun, ...direct], seen },
      };
    }
    if (runbook === undefined) {
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

  /**
   * Looks at the automation executions that were started for findings. What one still works on waits.
   * @returns how those ended that are over, by resource
   */
  async #followExecutions(
    session: AwsSession,
    findings: readonly Finding[],
  ): Promise<ReadonlyMap<string, Ending>> {
    const endings = new Map<string, Ending>();
    for (const finding of findings) {
      const execution = this.#journal.execution(finding.resource);
      if (execution === undefined) continue;
      const words = `execution ${execution.executionId} of ${execution.document}`;
      try {
        const state = await executionState(session, execution);
        if (state.isOver) {
          const { status, failure } = state;
          endings.set(finding.resource, {
            status,
            words: `${words} ended as ${status}${failure === undefined ? '' : ` (${failure})`}`,
          });
          this.#conclusions.noteIdle(finding);
        } else this.#conclusions.wait(finding, `${words} is ${state.status}`);
      } catch (error) {
        if (isAwsError(error, 'AutomationExecutionNotFound')) this.#conclusions.noteIdle(finding);
        this.#conclusions.failOrPutBack(finding, error, {}, `${words} can't be followed: `);
      }
    }
    return endings;
  }

  async #enforce(session: AwsSession, cases: readonly Case[], settings: Settings): Promise<undefined> {
    if (cases.length === 0) return;
    const conclusions = this.#conclusions;
    for (const { finding, facts } of cases) this.#journal.plan(finding.resource, facts.plan, facts.seen);
    await this.#journal.write();

    const changed: Case[] = [];
    for (const toCure of cases) {
      const { finding, changes, facts } = toCure;
      const starts = changes.some((change) => isStart({ change }));
      if (!(await this.#mayChange(finding, facts, settings))) continue;
      if (starts && !(await this.#isMarked(finding, facts))) continue;
      const { applied, error } = await applyPlan(session, changes);
      this.#journal.apply(finding.resource, applied);
      if (error === undefined && starts) conclusions.wait(finding, 'the runbook was started', facts);
      else if (error === undefined) changed.push(toCure);
      else {
        // A start of an earlier try, of whose answer nobody knows, may have gone well.
        const isFirstTry = this.#journal.earlierPlan(finding.resource) === undefined;
        if (starts && isFirstTry && errorKind(error) === 'refused') conclusions.noteIdle(finding);
        conclusions.failOrPutBack(finding, error, facts);
      }
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
  async #mayChange(finding: Finding, facts: Facts, settings: Settings): Promise<boolean> {
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
      const held = await this.#whyNotNow(settings);
      if (held === undefined) return true;
      this.#defer(finding, held, facts);
    } catch (error) {
      if (!(error instanceof SettingsError)) conclusions.putBack(finding, error, facts);
      else conclusions.conclude(finding, 'failed', { ...facts, reason: error.message, willRetry: true });
    }
    return false;
  }

  /** Whether other polls can see that an execution is started for the finding; otherwise it is put back. */
  async #isMarked(finding: Finding, facts: Facts): Promise<boolean> {
    try {
      await markInProgress(this.#job, finding, this.#world);
      return true;
    } catch (error) {
      this.#conclusions.putBack(finding, error, facts);
      return false;
    }
  }

  /** What an earlier try began is followed to its end though the rule is off, so that its outcome says how it ended. */
  #leaveUnbegun(): void {
    for (const finding of this.#conclusions.open) {
      if (this.#journal.applied(finding.resource).length > 0) continue;
      this.#conclusions.conclude(finding, 'not_applicable', this.#offFacts());
    }
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

  #concludeUnviolated(
    finding: Finding,
    assessment: Exclude<Assessment, Violation>,
    ending: Ending | undefined,
  ): void {
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
      const complies = `${resource} complies now${notes}`;
      if (ending?.status === 'Success' || (ending === undefined && this.#job.continues !== undefined)) {
        // A later look is meant to find what an earlier job did.
        conclusions.conclude(finding, 'remediated');
      } else {
        const why =
          ending?.words ??
          'an earlier attempt at this job planned these changes and was cut off before it recorded an outcome';
        conclusions.conclude(finding, 'remediated', { reason: `${why}; ${complies}` });
      }
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
        inAnyRegion: this.#rule.scope === 'global' || this.#rule.regionFrom === 'resource',
        // In dry run the credentials themselves can't change anything.
        permissions: [
          ...read,
          ...(this.#followsExecutions && this.#rule.runbook !== undefined
            ? [followPermission(this.#rule.runbook)]
            : []),
          ...(enforcing && runbook !== undefined
            ? startPermissions(runbook, this.#world.automationRoleArn(account))
            : []),
          ...(enforcing ? write : []),
        ],
      });
    } catch (error) {
      if (errorKind(error) !== 'refused') throw error;
      const reason = describeAssumeRoleError(error, account, region);
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

  /** Whether executions were started, by this job or the one that it continues, whose end must be known. */
  get #followsExecutions(): boolean {
    return this.#conclusions.open.some(({ resource }) => this.#journal.execution(resource) !== undefined);
  }

  /** Why nothing may be changed at this moment though the rule is in force; undefined when it may. */
  async #whyNotNow({ maintenance_window: window }: Settings): Promise<string | undefined> {
    const { id } = this.#rule;
    if (isPaused(await this.#world.settings.pause(), id, ruleIds)) {
      return `enforcement of ${id} is paused in ${this.#job.region}: the pause parameter says so`;
    }
    if (window === undefined || isOpen(window, new Date(this.#world.clock.now()))) return undefined;
    return `${id} changes nothing outside its maintenance window, ${describeWindow(window)}`;
  }

  #defer(finding: Finding, reason: string, facts: Facts): void {
    this.#conclusions.conclude(finding, 'deferred', { ...facts, willRetry: true, reason });
  }

  #offFacts(): Facts {
    return { reason: `rule ${this.#rule.id} is off for account ${this.#job.account}` };
  }
}

function isStart({ change }: { readonly change: Change }): boolean {
  return change.kind === 'automation-execution-start';
}

/** What the plan leaves as it is on purpose, as an outcome's reason. */
function notesOf({ notes = [] }: Violation): Facts {
  return notes.length === 0 ? {} : { reason: notes.join('; ') };
}
