import type { AwsSession } from '../../lambdas/aws/session.ts';
import type { Change, Note } from '../../lambdas/changes/change.ts';
import { applyChange, differenceOf, inverseOf } from '../../lambdas/changes/index.ts';
import {
  ChangeRefusedError,
  OutOfTimeError,
  SettingsError,
  StalePlanError,
} from '../../lambdas/model/errors.ts';
import type { Job } from '../../lambdas/model/job.ts';
import type { Outcome } from '../../lambdas/model/outcome.ts';
import { AwsModel } from '../lab/aws-model/model.ts';
import { AwsModelError } from '../lab/aws-model/operation.ts';
import { type ModelCall, modelSession, networkError, sdkError } from '../lab/aws-model/session.ts';
import type { AwsState } from '../lab/aws-model/state.ts';
import { Killed, type Lifeline } from '../unit/remediator/support/lifeline.ts';
import { RemediatorInMemory, settingsOf } from '../unit/remediator/support/remediator-in-memory.ts';
import { doAct, OPERATOR_ACTS } from './acts.ts';
import {
  ACCOUNT,
  type Act,
  type Case,
  type Disturbance,
  type JobSpec,
  type Loss,
  REGION,
  resourcesOf,
  SHORT_OUTAGES,
} from './case.ts';
import { Counts } from './counts.ts';
import { hasExemptSnapshot, isExempt } from './exemption.ts';
import { AccessKeyOracle } from './oracle/access-key.ts';
import { BucketOracle } from './oracle/bucket.ts';
import { ClusterOracle } from './oracle/cluster.ts';
import { FlowLogOracle } from './oracle/flow-log.ts';
import type { ResourceOracle, Write } from './oracle/judgement.ts';
import { NetworkAclOracle } from './oracle/network-acl.ts';
import { type End, endsOf, recordedEffects, unconfirmedItems } from './oracle/records.ts';
import { executionsOf, RunbookOracle } from './oracle/runbook.ts';
import { SecurityGroupOracle } from './oracle/security-group.ts';
import { SnapshotOracle } from './oracle/snapshot.ts';
import { TrailOracle } from './oracle/trail.ts';
import { Reads } from './reads.ts';
import { comparableText, contentOf, shownText } from './resources.ts';

/** Duration of a call by the case's clock. */
const CALL_MILLISECONDS = 300;
/** EC2's developer guide ("Eventual consistency") says to wait up to about five minutes for reads to show a write. */
const LONGEST_LAG_MILLISECONDS = 300_000;
/** S3's user guide says to wait 15 minutes after some bucket settings. No API is documented to lag longer. */
const END_OF_LAG_MILLISECONDS = 900_000;
/**
 * Number of calls from the read of a resource's tags to the first write of a change, with two refusals because of
 * duplicates.
 */
const CALLS_OF_A_CHANGE = 8;
/** The same for buckets, which are read in parallel, each by several calls. */
const CALLS_OF_A_BUCKET = 12;
/** The same for DB instances, which are read together: five lists, and one call for each of their snapshots. */
const CALLS_OF_AN_INSTANCE = 16;
/** Resources that are read by several calls. */
const KINDS_OF_MANY_READS: readonly Case['kind'][] = ['bucket', 'snapshot', 'access-key'];
/** Time from the start of an automation execution to its change, in which others may act. */
const AUTOMATION_MILLISECONDS = 10_000;
/** Time within which a pause must have stopped all writes. */
const PAUSE_MILLISECONDS = 5_000;
const MOST_ATTEMPTS = 5;
/** Number of checks of one finding within the function's two hours: 28. Two jobs check findings of two attempts. */
const MOST_CHECKS_OF_TWO_HOURS = 30;
/** Number of checks after which someone who paused resumes, and what is broken is repaired. */
const CHECKS_OF_A_PAUSE = 3;
/** The same for those who only do so after hours. */
const CHECKS_OF_A_LONG_PAUSE = 40;
const MOST_CHECKS_PER_FINDING = CHECKS_OF_A_LONG_PAUSE + MOST_CHECKS_OF_TWO_HOURS;
/** Time for which the queue holds a job back before its next attempt. */
const RETRY_MILLISECONDS = 30_000;

/** A fault of the product: the faults of a run are grouped by `kind`. */
export interface ChaosFault {
  readonly kind: string;
  readonly words: string;
}

export interface CaseResult {
  readonly faults: readonly ChaosFault[];
  readonly counts: Counts;
  /** The events, one line per step; empty unless requested. */
  readonly trace: readonly string[];
}

export interface RunOptions {
  readonly withTrace?: boolean;
  /** Replaces calls of the product, which shows that the checks notice a product that does something else. */
  readonly distort?: (call: ModelCall) => ModelCall;
}

/** Runs a case with the real rules, changes and remediator against the model, and checks each step. */
export async function runCase(chosen: Case, options: RunOptions = {}): Promise<CaseResult> {
  const run = new CaseRun(chosen, options);
  await run.run();
  return run;
}

class CaseRun implements CaseResult {
  readonly faults: ChaosFault[] = [];
  readonly counts = new Counts();
  readonly trace: string[] = [];
  readonly #case: Case;
  readonly #withTrace: boolean;
  readonly #distort: (call: ModelCall) => ModelCall;
  readonly #remediator = new RemediatorInMemory();
  readonly #model: AwsModel;
  readonly #oracle: ResourceOracle;
  readonly #reads: Reads;
  #job: JobSpec = { rule: '', options: {} };
  /** Number of the product's AWS calls so far. */
  #calls = 0;
  /** An older state that the next reads return, and the time `until` which reads may return it. */
  #lag: { state: AwsState; reads: number; until: number } | undefined;
  /** Refusals of the next writes. */
  readonly #refusals: Extract<Disturbance, { readonly refusal: string }>[] = [];
  /** The thing that someone has paused or broken. */
  #trouble: 'enforcement' | 'the pause' | 'the settings' | 'the role' | undefined;
  #checksUntilRepair = CHECKS_OF_A_PAUSE;
  /** Number of calls of each port that fail from now on. */
  readonly #outages = new Map<string, number>();
  /** Milliseconds that the next answer takes. */
  readonly #slow = new Map<string, number>();
  /** True if the attempt was killed, or a failure kept it from sending a later job. */
  #isHelpless = false;
  /** True if that happened in a last attempt: its message is in the dead-letter queue, and nobody redrives it. */
  #isDead = false;
  #pausedAt: number | undefined;
  #isCalm = true;
  /** The index of the version that the product's last write in this job made, by resource. */
  #written = new Map<string, number>();
  /** The same for all jobs. */
  readonly #lastWrites = new Map<string, number>();
  /** Resources for which a write of this job repeated what someone else had just done. */
  readonly #same = new Set<string>();
  /**
   * Resources for which it is uncertain what this job did, with the version since which it is: the answer to a write
   * was lost, or an attempt was killed.
   */
  readonly #inDoubt = new Map<string, number>();
  /** The version in which a document had made its change, as far as a job has seen that it is over, by resource. */
  readonly #endsSeen = new Map<string, number>();
  /** The versions that someone else made, by resource. */
  readonly #actsOn = new Map<string, readonly number[]>();
  /** The call with which this job first changed the resource, by resource. */
  readonly #firstWrite = new Map<string, number>();
  /** The call before which the resource was exempted, by resource. */
  readonly #exemptedAt = new Map<string, number>();
  /** True once a read of this job has returned an older state. */
  #hasLagged = false;
  #ids = 0;

  constructor(chosen: Case, { withTrace = false, distort = (call) => call }: RunOptions) {
    this.#case = chosen;
    this.#withTrace = withTrace;
    this.#distort = distort;
    this.#reads = new Reads(chosen.kind);
    this.#model = new AwsModel(ACCOUNT, chosen.initial, () => this.#remediator.now, AUTOMATION_MILLISECONDS);
    this.#oracle = {
      'security-group': () => new SecurityGroupOracle(),
      'network-acl': () => new NetworkAclOracle(),
      bucket: () => new BucketOracle(),
      'flow-log': () => new FlowLogOracle(),
      snapshot: () => new SnapshotOracle(),
      'access-key': () => new AccessKeyOracle(() => this.#remediator.now),
      cluster: () => new ClusterOracle(() => this.#remediator.now),
      trail: () => new TrailOracle(),
      runbook: () => new RunbookOracle(() => this.#remediator.now),
    }[chosen.kind]();
    this.#remediator.openSession = ({ maker }, __, life) => this.#session(life, maker);
    this.#remediator.fault = (port) => this.#portFault(port);
  }

  async run(): Promise<void> {
    const outcomes: Outcome[] = [];
    let kills = [...this.#case.kills];
    for (const [index, spec] of this.#case.jobs.entries()) {
      this.#job = spec;
      this.#oracle.begin();
      this.#written = new Map();
      this.#same.clear();
      this.#inDoubt.clear();
      this.#firstWrite.clear();
      this.#hasLagged = false;
      this.#isDead = false;
      const begun = this.#model.versions.length - 1;
      const job = this.#jobOf(spec, index);
      this.#say(`job ${index + 1}: ${spec.rule} ${JSON.stringify(spec.options)}`);
      const killed = await this.#work(job, kills);
      kills = kills.slice(killed);
      for (const resource of resourcesOf(this.#case)) {
        const ofResource = this.#findingsOf(resource).map((name) => this.#outcomeOf(job, name));
        outcomes.push(...ofResource.flatMap((outcome) => outcome ?? []));
        this.#judgeEnd(resource, ofResource, begun);
      }
      this.#remediator.now += 60_000;
    }
    if (this.#isCalm && this.faults.length === 0) await this.#judgeUndo(outcomes);
  }

  #jobOf({ rule, options, method = 'api' }: JobSpec, index: number): Job {
    this.#remediator.settings = settingsOf({ rule, options, method });
    const asOf = new Date(Date.UTC(2026, 5, 30, 10, index)).toISOString().replace('.000', '');
    return {
      version: 1,
      poll: { source: 'netskope', rule, asOf },
      account: ACCOUNT,
      region: REGION,
      chunk: 0,
      findings: resourcesOf(this.#case)
        .flatMap((resource) => this.#findingsOf(resource))
        .map((resource) => ({ rule, account: ACCOUNT, region: REGION, resource })),
    };
  }

  /** The names that findings use for a resource. */
  #findingsOf(resource: string): string[] {
    const aliases = Object.entries(this.#case.aliases ?? {});
    return [resource, ...aliases.flatMap(([alias, of]) => (of === resource ? [alias] : []))];
  }

  /**
   * Processes a job as its queue would: attempt after attempt, and follow-up jobs. A job that is not done after its
   * last attempt is a dead letter, and stays one. @returns the number of killed attempts
   */
  async #work(first: Job, kills: readonly number[]): Promise<number> {
    let killed = 0;
    const jobs = [first];
    const mostChecks = MOST_CHECKS_PER_FINDING * first.findings.length;
    for (let check = 0; check < mostChecks; check += 1) {
      const job = jobs.shift();
      if (job === undefined) return killed;
      if (check >= this.#checksUntilRepair) this.#repair();
      for (let number = 1; number <= MOST_ATTEMPTS; number += 1) {
        this.#isHelpless = false;
        const steps = kills[killed];
        let taken = 0;
        const result = await this.#remediator
          .attempt(job, {
            number,
            last: number === MOST_ATTEMPTS,
            ...(steps !== undefined && { steps }),
            onStep: () => {
              taken += 1;
            },
          })
          .catch((error: unknown) => {
            if (!(error instanceof Killed))
              this.#fault('crash', error instanceof Error ? (error.stack ?? error.message) : String(error));
          });
        if (steps !== undefined && taken > steps) {
          killed += 1;
          // Its last writes may not be recorded.
          for (const resource of resourcesOf(this.#case)) this.#doubt(resource, this.#written.get(resource));
          // A killed attempt cannot report anything: its message is in the dead-letter queue, which has an alarm.
          this.#isHelpless = true;
          this.counts.add('attempts killed during their work');
          this.#isCalm = false;
          this.#say(`attempt ${number} was killed after ${steps} steps`);
        } else if (result !== undefined && result.unfinished.length === 0 && result.failures.length === 0)
          break;
        else
          this.#say(
            `attempt ${number} is unfinished: ${result?.unfinished.map(({ error }) => String(error)).join('; ')}`,
          );
        if (number === MOST_ATTEMPTS) this.#bury();
        this.#remediator.now += RETRY_MILLISECONDS;
      }
      for (const { job: later, delaySeconds } of this.#remediator.later.splice(0)) {
        this.#say(`checks again after ${delaySeconds} s`);
        this.#remediator.now += delaySeconds * 1000;
        jobs.push(later);
      }
    }
    this.#fault('endless', `still not done after ${mostChecks} checks`);
    return killed;
  }

  /** Makes a job without further attempts a dead letter. */
  #bury(): void {
    this.counts.add('dead letters');
    this.#isCalm = false;
    this.#say('the job is a dead letter');
    if (this.#isHelpless) this.#isDead = true;
  }

  #session(life: Lifeline, maker: string | undefined) {
    return modelSession(
      { account: ACCOUNT, region: REGION, maker },
      () => this.#remediator.now,
      (call) => life.step(() => this.#call(this.#distort(call))),
    );
  }

  #call(call: ModelCall): object {
    this.#calls += 1;
    this.#remediator.now += CALL_MILLISECONDS;
    this.#passTime();
    this.counts.add('calls');
    let loss: Loss | undefined;
    for (const disturbance of this.#case.disturbances) {
      if (disturbance.at === this.#calls) loss = this.#disturb(disturbance) ?? loss;
    }
    const isWrite = this.#model.isWrite(call.operation);
    if (isWrite) this.#refuse(call);
    if (loss === undefined) {
      const output = this.#carryOut(call);
      if (!isWrite) this.#wait('read');
      return output;
    }
    const resource = isWrite ? this.#resourceOf(call) : undefined;
    if (resource !== undefined) this.#doubt(resource, this.#model.versions.length);
    this.counts.add(`calls without an answer (${loss})`);
    this.#say(`the next call is ${loss}`);
    if (loss === 'refused') throw sdkError('Unavailable', 'the service is unavailable', 503, 'r');
    this.#unseen(call);
    throw networkError();
  }

  /** Lets AWS's documents make their changes, which are not calls of the product. */
  #passTime(): void {
    const before = this.#model.state;
    this.#model.passTime();
    const version = this.#model.versions.length - 1;
    for (const resource of resourcesOf(this.#case)) {
      if (comparableText(before, resource) === comparableText(this.#model.state, resource)) continue;
      this.#actsOn.set(resource, [...(this.#actsOn.get(resource) ?? []), version]);
      this.#say(`a document changes ${resource}`);
    }
  }

  /** Fails a write if a refusal is due. */
  #refuse({ operation }: ModelCall): void {
    const refusal = this.#refusals.shift();
    if (refusal === undefined) return;
    this.#say(`AWS does not accept ${operation}: ${refusal.refusal}`);
    if (refusal.meanwhile === null) this.counts.add('writes that were not accepted');
    else {
      this.counts.add('writes that were not accepted, and then an act');
      this.#act(refusal.meanwhile);
    }
    throw refusal.refusal === 'throttled'
      ? sdkError('RequestLimitExceeded', 'request limit exceeded', 503, 'r')
      : sdkError('RequestExpired', 'request has expired', 400, 'r');
  }

  /** Makes a call whose answer is lost. */
  #unseen(call: ModelCall): void {
    try {
      this.#carryOut(call);
    } catch (error) {
      if (!(error instanceof AwsModelError)) throw error;
    }
  }

  /** @returns the fate of the call's answer */
  #disturb(disturbance: Disturbance): Loss | undefined {
    if ('loss' in disturbance) return disturbance.loss;
    if ('lag' in disturbance) {
      const { versions, reads } = disturbance.lag;
      const state = this.#model.past(versions, this.#remediator.now - LONGEST_LAG_MILLISECONDS);
      if (state === this.#model.state) return undefined;
      const { versions: all } = this.#model;
      const replaced = all[all.findLastIndex((version) => version.state === state) + 1];
      this.#lag = { state, reads, until: (replaced?.at ?? 0) + END_OF_LAG_MILLISECONDS };
      this.#say(`the next ${reads} reads answer the state of ${versions} changes ago`);
      return undefined;
    }
    if ('outage' in disturbance) {
      const { port, times } = disturbance.outage;
      this.#outages.set(port, (this.#outages.get(port) ?? 0) + times);
      this.counts.add('outages of ports');
      this.#say(`${port} fails ${times} times`);
      return undefined;
    }
    if ('slow' in disturbance) {
      const { what, milliseconds } = disturbance.slow;
      this.#slow.set(what, milliseconds);
      this.counts.add('slow answers');
      this.#say(`the next ${what} takes ${milliseconds} ms`);
      return undefined;
    }
    if ('refusal' in disturbance) this.#refusals.push(disturbance);
    else this.#act(disturbance.act);
    return undefined;
  }

  #act(act: Act): void {
    const operator = OPERATOR_ACTS.find((kind) => kind === act.kind);
    if (operator !== undefined) {
      this.#operate(operator, act.how);
      return;
    }
    const before = this.#model.state;
    const { kind } = this.#case;
    const acted = doAct(kind, before, act, {
      newId: () => {
        this.#ids += 1;
        return `${kind === 'flow-log' ? 'fl' : 'sgr'}-${this.#ids.toString(16).padStart(17, '0')}`;
      },
      now: this.#remediator.now,
    });
    if (acted === undefined) return;
    this.#model.set(acted.state);
    const versions = [...(this.#actsOn.get(acted.resource) ?? []), this.#model.versions.length - 1];
    this.#actsOn.set(acted.resource, versions);
    if (act.kind === 'exempt') this.#exemptedAt.set(acted.resource, this.#calls);
    this.#oracle.acted(acted.resource, before, acted.state);
    this.counts.add('acts');
    this.#isCalm = false;
    this.#say(`someone ${acted.words}`);
  }

  /** Pauses enforcement, or breaks what the function needs: the pause, the settings or the role. */
  #operate(act: (typeof OPERATOR_ACTS)[number], how: number): void {
    if (act === 'resume') this.#repair();
    if (act === 'resume' || this.#trouble !== undefined) return;
    const spoiled = (['the pause', 'the settings', 'the role'] as const)[how % 3];
    this.#trouble = act === 'pause' ? 'enforcement' : spoiled;
    this.#checksUntilRepair = how >= 9 ? CHECKS_OF_A_LONG_PAUSE : CHECKS_OF_A_PAUSE;
    if (this.#trouble === 'enforcement' || this.#trouble === 'the pause') {
      this.#remediator.pause = this.#trouble === 'enforcement' ? 'all' : 'al';
      this.#pausedAt = this.#remediator.now;
    }
    this.#operated(`${act === 'pause' ? 'pauses' : 'breaks'} ${this.#trouble}`);
  }

  #repair(): void {
    if (this.#trouble === undefined) return;
    this.#remediator.pause = 'none';
    this.#pausedAt = undefined;
    this.#operated(`${this.#trouble === 'enforcement' ? 'resumes' : 'repairs'} ${this.#trouble}`);
    this.#trouble = undefined;
  }

  #operated(words: string): void {
    this.counts.add('acts');
    this.#isCalm = false;
    this.#say(`someone ${words}`);
  }

  /** Passes the time of a slow answer. */
  #wait(what: string): void {
    const milliseconds = this.#slow.get(what);
    if (milliseconds === undefined) return;
    this.#slow.delete(what);
    this.#remediator.now += milliseconds;
    // Time passes for all changes at once, also for a call that another change has just sent.
    const isBesideOthers = resourcesOf(this.#case).length > 1;
    if (this.#pausedAt !== undefined && isBesideOthers) this.#pausedAt += milliseconds;
  }

  /** The error of a port that does not answer, or whose setting is broken. */
  #portFault(port: string): Error | undefined {
    this.#wait(port);
    const left = this.#outages.get(port) ?? 0;
    if (left > 0) {
      this.#outages.set(port, left - 1);
      this.#isHelpless ||= SHORT_OUTAGES.some((name) => name === port);
      return sdkError('ServiceUnavailable', `${port} does not answer`, 503, 'r');
    }
    if (port === 'settings' && this.#trouble === 'the settings') {
      return new SettingsError('the settings of the rule are not JSON');
    }
    return port === 'session' && this.#trouble === 'the role'
      ? sdkError('AccessDenied', 'not authorized to perform sts:AssumeRole', 403, 'r')
      : undefined;
  }

  #carryOut(call: ModelCall): object {
    const { operation, input } = call;
    try {
      if (!this.#model.isWrite(operation)) return this.#read(call);
      const before = this.#model.state;
      const { output, next: after = before } = this.#model.answer(operation, input, before, call.region);
      this.#model.set(after);
      this.#say(`call ${this.#calls}: ${operation} ${summary(input)}`);
      const resource = this.#resourceOf(call);
      if (resource === undefined)
        this.#fault('elsewhere', `${operation} ${summary(input)} names no resource of the job`);
      else if (comparableText(before, resource) !== comparableText(after, resource)) {
        this.#judge({ operation, input, resource, before, after, job: this.#job }, call);
      } else if (this.#isSame(resource, call)) this.#noteSame(resource);
      this.#reads.wrote(this.#calls, input, resource);
      return output;
    } catch (error) {
      if (error instanceof AwsModelError) {
        this.#say(`call ${this.#calls}: ${operation} ${summary(input)}: ${error.code}`);
        if (error.code === 'ModelLimit') this.#fault('limit of the model', error.message);
        if (this.#model.isWrite(operation)) this.#reads.wrote(this.#calls, input, this.#resourceOf(call));
      } else {
        this.#fault('limit of the model', `${operation} ${summary(input)}: ${String(error)}`);
      }
      throw error;
    }
  }

  #read({ operation, input, region }: ModelCall): object {
    if (this.#lag !== undefined && this.#remediator.now >= this.#lag.until) this.#lag = undefined;
    const lag = this.#lag;
    if (lag !== undefined) {
      lag.reads -= 1;
      if (lag.reads <= 0) this.#lag = undefined;
    }
    // Automation answers by the id that the start returned, without a lag.
    const isCurrent = operation === 'GetAutomationExecution';
    const state = (isCurrent ? undefined : lag?.state) ?? this.#model.state;
    const isOld = state !== this.#model.state;
    if (isOld) this.counts.add('lagging reads');
    this.#hasLagged ||= isOld;
    this.#say(`call ${this.#calls}: ${operation}${isOld ? ' (returns an older state)' : ''}`);
    this.#reads.note(operation, input, this.#calls, state, isOld);
    const { output } = this.#model.answer(operation, input, state, region);
    if (isCurrent) this.#noteEnds();
    return output;
  }

  /** Records that a job has read an execution, and knows which ones are over. */
  #noteEnds(): void {
    const { state, versions } = this.#model;
    for (const resource of resourcesOf(this.#case)) {
      const isOver = executionsOf(state, resource).some(
        ([, { worksAt, until }]) => worksAt === null && until <= this.#remediator.now,
      );
      if (isOver) this.#endsSeen.set(resource, versions.length - 1);
    }
  }

  #judge(write: Write, call: ModelCall): void {
    this.counts.add('writes');
    this.#written.set(write.resource, this.#model.versions.length - 1);
    const takesBack = this.#oracle.takesBack(write);
    if (takesBack) this.counts.add('taken back');
    const excused = this.#excused(write, call);
    this.#lastWrites.set(write.resource, this.#model.versions.length - 1);
    const seen = excused ?? write;
    const problems = this.#oracle.problemsOf(write);
    const isGuessed = this.#isGuessed(write);
    if (problems.length > 0) {
      if (isGuessed) {
        this.counts.add(
          'allowed: reverted, because someone else changed what a call without an answer had narrowed',
        );
      } else if (excused === undefined) for (const problem of problems) this.#fault(write.operation, problem);
      else {
        this.counts.add(`allowed: ${this.#reads.why()}`);
        this.#say(`  allowed, for AWS has no condition that excludes it: ${problems.join('; ')}`);
      }
    }
    // An excused write is judged by what its read showed.
    const isGuessedAsSeen = excused !== undefined && this.#isGuessed(excused);
    if (
      !takesBack &&
      !isGuessed &&
      !isGuessedAsSeen &&
      (excused === undefined || !this.#oracle.takesOutOwn(excused))
    ) {
      if (!this.#firstWrite.has(write.resource)) this.#firstWrite.set(write.resource, this.#calls);
      this.#judgeTiming(write);
    }
    if (this.#oracle.remember(write, seen).opensForNow) {
      this.counts.add('opened for now');
      this.#say('  opens something until it is taken back');
    }
  }

  /** @param version the version that an uncertain write made, or may make */
  #doubt(resource: string, version = this.#model.versions.length - 1): void {
    if (!this.#inDoubt.has(resource)) this.#inDoubt.set(resource, version);
  }

  /**
   * Tells whether a write removes what the product had added although the rule or entry was narrowed: the answer to
   * that call was lost, and someone else has changed the resource since, so that no read can tell.
   */
  #isGuessed(write: Write): boolean {
    const since = this.#inDoubt.get(write.resource);
    if (since === undefined || !this.#oracle.takesOutOwn(write)) return false;
    return (this.#actsOn.get(write.resource) ?? []).some((version) => version > since);
  }

  #resourceOf({ input }: ModelCall): string | undefined {
    // The name of a snapshot begins with its instance's name.
    return resourcesOf(this.#case).find((id) => new RegExp(`"${id}(-s\\d)?"`).test(JSON.stringify(input)));
  }

  /**
   * Tells whether a write would change what the read immediately before it showed. If it changes nothing now, someone
   * else made the same change.
   */
  #isSame(resource: string, { operation, input, region }: ModelCall): boolean {
    const before = this.#reads.seen(resource, this.#model.state, this.#calls);
    if (before === undefined) return false;
    try {
      const { next = before } = this.#model.answer(operation, input, before, region);
      return comparableText(next, resource) !== comparableText(before, resource);
    } catch (error) {
      if (error instanceof AwsModelError) return false;
      throw error;
    }
  }

  #noteSame(resource: string): void {
    this.counts.add('allowed: someone else made the same change between the read and the write');
    this.#same.add(resource);
  }

  /**
   * The write as if it met the state that the read immediately before it returned, if it would have been right there.
   */
  #excused(write: Write, { region }: ModelCall): Write | undefined {
    const before = this.#reads.seen(write.resource, write.before, this.#calls);
    if (before === undefined || !this.#actedSince(write.resource)) return undefined;
    if (this.#isKnownToBeOld({ ...write, before })) return undefined;
    try {
      const { next: after = before } = this.#model.answer(write.operation, write.input, before, region);
      if (shownText(before, write.resource) === shownText(write.before, write.resource)) return undefined;
      const seen = { ...write, before, after };
      return this.#oracle.problemsOf(seen).length === 0 || this.#isGuessed(seen) ? seen : undefined;
    } catch {
      return undefined;
    }
  }

  /**
   * Tells whether someone else changed the resource since the state that the read returned: the product's own changes
   * excuse nothing.
   */
  #actedSince(resource: string): boolean {
    const read = Math.min(
      ...this.#reads.used.map((used) => this.#model.versions.findIndex(({ state }) => state === used)),
    );
    return (this.#actsOn.get(resource) ?? []).some((version) => version > read);
  }

  /**
   * Tells whether the read is from before a write of the product, and shows that: the product must not rely on it.
   * Writes whose answer was lost do not count.
   */
  #isKnownToBeOld(seen: Write): boolean {
    const { versions } = this.#model;
    const read = Math.min(
      ...this.#reads.used.map((used) => versions.findIndex(({ state }) => state === used)),
    );
    // No read shows what a document did: a job that has seen its end waits until reads must be from after that.
    const isStart = seen.operation === 'StartAutomationExecution';
    if (isStart && read < (this.#endsSeen.get(seen.resource) ?? 0)) return true;
    const written = this.#lastWrites.get(seen.resource);
    if (written === undefined || this.#inDoubt.has(seen.resource)) return false;
    return read < written && this.#oracle.showsEnded(seen);
  }

  /** Checks that nothing more is changed once the resource is exempt or enforcement is paused. */
  #judgeTiming({ resource, before, operation }: Write): void {
    if (this.#pausedAt !== undefined && this.#remediator.now - this.#pausedAt > PAUSE_MILLISECONDS) {
      this.#fault(
        'pause',
        `${operation} of ${resource} ${this.#remediator.now - this.#pausedAt} ms after a pause`,
      );
    }
    if (!isExempt(before, resource)) return;
    if (this.#reads.showsExempt(resource, this.#calls)) {
      this.#fault('exempt', `${operation} of ${resource}, whose tags show an exemption in their last read`);
      return;
    }
    // A begun job is finished: what counts is the time of its first change.
    const first = this.#firstWrite.get(resource) ?? this.#calls;
    const read = this.#reads.notExemptBefore(resource, first);
    const most =
      { bucket: CALLS_OF_A_BUCKET, snapshot: CALLS_OF_AN_INSTANCE }[String(this.#case.kind)] ??
      CALLS_OF_A_CHANGE;
    if (read === undefined || this.#reads.callsAbout([resource], read, first) > most) {
      this.#fault('exempt', `${operation} of ${resource}, which is exempt by its tag`);
    } else if ((this.#exemptedAt.get(resource) ?? 0) > read) {
      this.counts.add('allowed: exempted since its tags were read');
    } else this.counts.add('allowed: exempted, and a lagging read hid it');
  }

  #outcomeOf({ poll }: Job, resource: string): Outcome | undefined {
    return [...this.#remediator.outcomes.values()].find(
      ({ poll: of, finding }) =>
        of.rule === poll.rule && of.asOf === poll.asOf && finding.resource === resource,
    );
  }

  /** @param outcomes of the findings about the resource, each of which has one */
  #judgeEnd(resource: string, outcomes: readonly (Outcome | undefined)[], begun: number): void {
    const known = outcomes.flatMap((outcome) => outcome ?? []);
    const [first, ...others] = known;
    // Findings about one resource record each change only once.
    const whole = first === undefined ? undefined : merged(first, others);
    this.#judgeLeft(resource, whole);
    if (this.#isDead) {
      this.counts.add('allowed: a dead letter whose last attempt was killed, or could not send a later job');
      return;
    }
    if (whole === undefined || known.length < outcomes.length) {
      this.#fault('outcome', `${resource} has none`);
      return;
    }
    for (const outcome of known) this.#judgeOutcome(resource, outcome, whole, begun);
    this.#judgeRecord(resource, whole);
    if (known.length > 1) this.#judgeTwice(resource, known);
  }

  /** Checks that nothing is left of what was added temporarily. */
  #judgeLeft(resource: string, outcome: Outcome | undefined): void {
    const left = this.#oracle.leftBehind(resource, this.#model.state);
    if (this.#isDead) return;
    if (
      left.length > 0 &&
      outcome !== undefined &&
      this.#isEndedByOthers(resource, outcome, { orGone: false })
    ) {
      this.counts.add('allowed: someone else made the same change, and the attempt was killed');
    } else for (const problem of left) this.#fault('left', problem);
  }

  /** Checks that two findings about a resource do not both record one change. */
  #judgeTwice(resource: string, outcomes: readonly Outcome[]): void {
    if ((this.#actsOn.get(resource) ?? []).length > 0) return;
    const lines = outcomes.flatMap(({ applied }) => applied.map(({ line }) => line));
    const twice = lines.find((line, index) => lines.indexOf(line) !== index);
    if (twice !== undefined) this.#fault('record', `${resource}: "${twice}" is recorded for two findings`);
  }

  /**
   * Checks that an outcome is true.
   * @param whole together with the record of the other findings about the resource
   */
  #judgeOutcome(resource: string, outcome: Outcome, whole: Outcome, begun: number): void {
    const { versions } = this.#model;
    const { outcome: name, reason, applied } = outcome;
    const { unconfirmed } = whole;
    this.counts.add(`outcome ${name}`);
    this.#say(`outcome of ${resource}: ${name}${reason === undefined ? '' : ` (${reason})`}`);
    for (const { line } of applied) this.#say(`  ${line}`);
    const during = versions.slice(begun).map((version) => version.state);
    const since = versions.slice(this.#written.get(resource) ?? begun).map((version) => version.state);
    // It may have been a killed attempt, or someone else.
    const isByOthers =
      !this.#written.has(resource) && this.#isEndedByOthers(resource, whole, { orGone: true });
    if (isByOthers && name === 'remediated')
      this.counts.add('allowed: someone else made the same change, and the attempt was killed');
    const mayHave =
      this.#same.has(resource) || isByOthers || (this.#inDoubt.has(resource) && unconfirmed !== undefined);
    const lies: Readonly<Record<string, string | false>> = {
      remediated: !this.#written.has(resource)
        ? !mayHave && 'no call of the product changed it'
        : since.every((version) => this.#oracle.violates(resource, version, this.#job)) &&
          !this.#isHidden(resource) &&
          'it still violates the rule',
      gone:
        during.every((version) => contentOf(version, resource) !== undefined) && 'it existed all the time',
      // A read may be older than the job, here and below.
      compliant:
        versions.every((version) => this.#oracle.violates(resource, version.state, this.#job)) &&
        !this.#isTorn(resource) &&
        !this.#isUnknownYet(resource) &&
        'it violated the rule all the time',
      exempt:
        !versions.some(({ state: at }) => isExempt(at, resource) || hasExemptSnapshot(at, resource)) &&
        'it was never exempt',
    };
    const lie = lies[name];
    if (typeof lie === 'string') this.#fault('outcome', `${resource} is ${name}: ${lie}`);
  }

  /** Tells whether AWS still reports `SUCCESS` for a flow log that will turn out to deliver nothing. */
  #isUnknownYet(resource: string): boolean {
    const flowLogs = this.#model.state.vpcs[resource]?.flowLogs ?? [];
    const isUnknown = flowLogs.some(({ failsAt = 0 }) => failsAt > this.#remediator.now);
    if (isUnknown) this.counts.add('allowed: AWS did not know yet that a flow log delivers nothing');
    return isUnknown;
  }

  /**
   * Tells whether an old list of an instance's snapshots hid one that someone else has made public: several calls read
   * them, and others of these calls showed the product's change.
   */
  #isHidden(resource: string): boolean {
    const isHidden =
      this.#case.kind === 'snapshot' && this.#hasLagged && (this.#actsOn.get(resource) ?? []).length > 0;
    if (isHidden) this.counts.add('allowed: a lagging read hid what someone else made public');
    return isHidden;
  }

  /**
   * Tells whether the calls of one check may have shown parts of several states, none of which was as they say
   * together.
   */
  #isTorn(resource: string): boolean {
    const isTorn =
      KINDS_OF_MANY_READS.includes(this.#case.kind) && (this.#actsOn.get(resource) ?? []).length > 1;
    if (isTorn) this.counts.add('allowed: someone else acted between the calls of one check');
    return isTorn;
  }

  /**
   * Tells whether someone else made the same change to a rule or entry as a change of the product with an unknown end.
   */
  #isEndedByOthers(resource: string, outcome: Outcome, options: { orGone: boolean }): boolean {
    return this.#endedByOthers(resource, outcome, options).size > 0;
  }

  /**
   * Selects the rules or entries to which someone else made exactly the change that the product planned and whose end
   * is unknown: the two cannot be distinguished.
   */
  #endedByOthers(
    resource: string,
    { applied, unconfirmed = [] }: Outcome,
    { orGone }: { orGone: boolean },
  ): ReadonlySet<string> {
    if (!this.#inDoubt.has(resource) && !this.#same.has(resource)) return new Set();
    const ends = endsOf([...applied, ...unconfirmed].map(({ change }) => change));
    const versions = this.#actsOn.get(resource) ?? [];
    const isByOthers = ([item, end]: [string, End]): boolean =>
      (end !== null || orGone) &&
      versions.some((version) => {
        const [before, after] = [version - 1, version].map((index) => {
          const at = this.#model.versions[index];
          return at === undefined ? undefined : this.#oracle.textAt(resource, at.state, item);
        });
        const isEnd = (text: string | undefined) =>
          end === null ? text === undefined : text !== undefined && end(text);
        return !isEnd(before) && isEnd(after);
      });
    return new Set([...ends].filter(isByOthers).map(([item]) => item));
  }

  /** Checks that the record lists what the product's calls did, and no more. */
  #judgeRecord(resource: string, whole: Outcome): void {
    const { outcome, applied, unconfirmed = [] } = whole;
    const made = this.#oracle.netEffect(resource);
    let recorded: ReturnType<typeof recordedEffects>;
    let unknown: ReadonlySet<string>;
    try {
      unknown = unconfirmedItems(unconfirmed.map(({ change }) => change));
      recorded = recordedEffects(applied.map(({ change }) => change));
    } catch (error) {
      this.#fault('record', `applied of ${resource} has an unknown form: ${String(error)}`);
      return;
    }
    const ends = endsOf(applied.map(({ change }) => change));
    for (const [item, { before, after }] of made) {
      const net = recorded.net.get(item);
      if (net?.before === before && net.after === after) continue;
      if (recorded.unconfirmed.has(item) || unknown.has(item) || unknown.has(after ?? before ?? '')) {
        this.counts.add('recorded as unconfirmed');
        continue;
      }
      // If it was removed twice, the first time may have been in a killed attempt.
      const isRemovedAgain =
        after === null && this.#inDoubt.has(resource) && ends.has(item) && ends.get(item) === null;
      if (isRemovedAgain) {
        this.counts.add('allowed: someone restored what a killed attempt had removed');
        continue;
      }
      this.#fault(
        'record',
        `${resource} (${outcome}): ${item} went from ${before ?? 'nothing'} to ${after ?? 'nothing'} by calls of the product, the record has ${net === undefined ? 'nothing of it' : `${net.before ?? 'nothing'} to ${net.after ?? 'nothing'}`}`,
      );
    }
    const madeOf = this.#oracle.madeItems(resource);
    const byOthers = this.#endedByOthers(resource, whole, { orGone: true });
    for (const [item, { after }] of recorded.net) {
      if (made.has(item)) continue;
      // The state before cannot be compared if someone else changed it, too: then the results of the product's calls
      // count.
      const isMade = [...(madeOf.get(item) ?? [])].some(
        (text) => text === after || (text !== null && ends.get(item)?.(text) === true),
      );
      if (isMade && !this.#isCalm) continue;
      if (this.#same.has(resource))
        this.counts.add('allowed: recorded, though a lagging read hid that it was so');
      else if (byOthers.has(item))
        this.counts.add('allowed: someone else made the same change, and the attempt was killed');
      else
        this.#fault(
          'record',
          `${resource} (${outcome}): the record has ${item} as ${after ?? 'nothing'}, which no call of the product made it`,
        );
    }
  }

  /**
   * Undoes all recorded changes, the last first, if nobody else acted. The first reads of each inverse lag if those of the
   * jobs did.
   */
  async #judgeUndo(outcomes: readonly Outcome[]): Promise<void> {
    if (outcomes.some(({ unconfirmed }) => unconfirmed !== undefined)) {
      this.counts.add('not undone: a change is recorded as unconfirmed');
      return;
    }
    if (this.#case.kind === 'runbook') {
      this.counts.add('not undone: an automation execution has no inverse');
      return;
    }
    const [lag] = this.#case.disturbances.flatMap((each) => ('lag' in each ? [each.lag] : []));
    let reads = 0;
    const session = modelSession(
      { account: ACCOUNT, region: REGION },
      () => this.#remediator.now,
      async ({ operation, input, region }) => {
        const isOld = reads > 0 && !this.#model.isWrite(operation);
        if (isOld) reads -= 1;
        const state = isOld
          ? this.#model.past(lag?.versions ?? 0, this.#remediator.now - LONGEST_LAG_MILLISECONDS)
          : this.#model.state;
        const { output, next } = this.#model.answer(operation, input, state, region);
        if (next !== undefined) this.#model.set(next);
        this.#say(`undo: ${operation} ${next === undefined ? '' : summary(input)}`);
        return output;
      },
    );
    const made = outcomes
      .flatMap(({ applied }) => applied)
      .map(({ change, appliedAt }): { change: Change; at: number } => ({
        change,
        at: Date.parse(appliedAt),
      }));
    const applyInverse = async (inverse: Change): Promise<void> => {
      // As in the product, each inverse gets the changes that reads may not show yet.
      const ours = made
        .filter(({ change, at }) => change.resource === inverse.resource && !this.#isLagOver(at))
        .map(({ change }) => change);
      let last: Change | undefined;
      const note: Note = (soFar, isMade = true) => {
        last = isMade ? soFar : undefined;
      };
      try {
        last = await applyChange(session, inverse, note, { ours });
      } finally {
        if (last !== undefined) made.push({ change: last, at: this.#remediator.now });
      }
    };
    try {
      for (const { applied } of [...outcomes].reverse()) {
        for (const { change } of [...applied].reverse()) {
          const inverse = await inverseOf(change);
          if (inverse === undefined) continue;
          reads = lag?.reads ?? 0;
          try {
            await applyInverse(inverse);
          } catch (error) {
            // An old read shows a difference: nothing is changed, and the undo is repeated once reads are up to date.
            const isRefused = [StalePlanError, ChangeRefusedError, OutOfTimeError].some(
              (kind) => error instanceof kind,
            );
            if (lag === undefined || !isRefused) throw error;
            reads = 0;
            this.counts.add('undone once reads were up to date');
            await undoAgain(session, inverse, applyInverse);
          }
        }
      }
    } catch (error) {
      this.#fault('undo', `failed: ${String(error)}`);
      return;
    }
    this.counts.add('undone');
    for (const resource of resourcesOf(this.#case)) {
      const [before, after] = [this.#case.initial, this.#model.state].map((state) =>
        comparableText(state, resource),
      );
      if (before !== after)
        this.#fault('undo', `of ${resource} results in ${after}, before it was ${before}`);
    }
  }

  #isLagOver(since: number): boolean {
    return this.#remediator.now - since >= END_OF_LAG_MILLISECONDS;
  }

  #say(line: string): void {
    if (this.#withTrace) this.trace.push(line);
  }

  #fault(kind: string, words: string): void {
    this.faults.push({ kind, words });
    this.#say(`  FAULT (${kind}): ${words}`);
  }
}

/** Applies an inverse that was interrupted: its partial effect may be why it cannot be applied again. */
async function undoAgain(
  session: AwsSession,
  inverse: Change,
  applyInverse: (inverse: Change) => Promise<void>,
): Promise<void> {
  if ((await differenceOf(session, inverse)) === undefined) return;
  try {
    await applyInverse(inverse);
  } catch (error) {
    if ((await differenceOf(session, inverse)) !== undefined) throw error;
  }
}

/** Merges the outcomes of findings about one resource: their changes and unconfirmed changes. */
function merged(first: Outcome, others: readonly Outcome[]): Outcome {
  const all = [first, ...others];
  const applied = all
    .flatMap((each) => each.applied)
    .sort((one, other) => Date.parse(one.appliedAt) - Date.parse(other.appliedAt));
  const unconfirmed = all.flatMap((each) => each.unconfirmed ?? []);
  return { ...first, applied, ...(unconfirmed.length > 0 && { unconfirmed }) };
}

/** Summarizes the input of a call in one line. */
function summary(input: unknown): string {
  const text = JSON.stringify(input);
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
