import type { Job } from '../../../lambdas/model/job.ts';
import type { Outcome } from '../../../lambdas/model/outcome.ts';
import { AwsModel } from '../../lab/aws-model/model.ts';
import { AwsModelError } from '../../lab/aws-model/operation.ts';
import { type ModelCall, modelSession, networkError, sdkError } from '../../lab/aws-model/session.ts';
import { Killed, type Lifeline } from '../../unit/remediator/support/lifeline.ts';
import { RemediatorInMemory, settingsOf } from '../../unit/remediator/support/remediator-in-memory.ts';
import { UndoDesk } from '../../unit/remediator/support/undo-desk.ts';
import { ACCOUNT, REGION } from '../case.ts';
import { missingFrom, type Transition, transitionsOf, transitionText } from './items.ts';
import { Doubts, recordedTransitions } from './recorded.ts';
import { contentsOf, notRestored } from './restored.ts';
import { initialState, type Subject } from './subjects.ts';

/** The fates of a write, in the first attempt that makes it. */
export const FAULTS = {
  'killed before': 'the attempt is killed before the write',
  'killed after': 'the attempt is killed after the write, before it receives the answer',
  'killed once marked': 'the attempt is killed right after the journal is written that follows the write',
  'answer lost': 'the write takes effect, but its answer is lost, and so is that of every retry',
  'then silence': 'the same, and nothing else in the account answers for the rest of the attempt',
  'then throttled': 'the same, and AWS throttles everything else in the account for the rest of the attempt',
  'then denied': 'the same, and everything else in the account is denied for the rest of the attempt',
  'throttled after':
    'the write is answered, and AWS throttles everything else in the account for the rest of the attempt',
  throttled: 'AWS does not accept the write at first: it throttles it three times',
  expired: 'AWS does not accept the write at first: the session has expired',
  refused: 'AWS is unavailable (503) for it, for the rest of the attempt',
} as const;
export type FaultName = keyof typeof FAULTS;

/** A fault and its write: the number within the first attempt that writes, from 0. */
export interface WriteFault {
  readonly write: number;
  readonly fault: FaultName;
  /** True if someone exempts the resource before the next attempt. */
  readonly thenExempt?: boolean;
}

export interface SubjectResult {
  /** The writes that were sent, in order, whether they took effect or not, without those of the undo. */
  readonly writes: readonly string[];
  readonly outcome: Outcome | undefined;
  /** Problems of the record, the resource or the undo, as texts. */
  readonly problems: readonly string[];
  /** Number of possible changes that are recorded as unconfirmed. */
  readonly unconfirmed: number;
  /** The contents that an undo cannot restore, as texts; none if it restores everything. */
  readonly notUndone: readonly string[];
  readonly trace: readonly string[];
}

const throttled = () => sdkError('RequestLimitExceeded', 'request limit exceeded', 503, 'r');

const CALL_MILLISECONDS = 300;
const RETRY_MILLISECONDS = 30_000;
const MOST_ATTEMPTS = 5;
const MOST_CHECKS = 60;
/** Number of times that a write is throttled. */
const THROTTLES = 3;

/** Remediates a violation with the product's own code against the model, and compares the record with the changes. */
export async function runSubject(subject: Subject, fault?: WriteFault): Promise<SubjectResult> {
  const run = new SubjectRun(subject, fault);
  await run.work();
  await run.judge();
  return run;
}

class SubjectRun implements SubjectResult {
  readonly writes: string[] = [];
  readonly problems: string[] = [];
  readonly trace: string[] = [];
  unconfirmed = 0;
  notUndone: readonly string[] = [];
  /** Changes that AWS's documents made by themselves. */
  readonly #ofDocuments: Transition[] = [];
  readonly #subject: Subject;
  readonly #fault: WriteFault | undefined;
  readonly #remediator = new RemediatorInMemory();
  readonly #model: AwsModel;
  readonly #seen: Transition[] = [];
  /** The attempt with the fault; 0: none yet. */
  #hit = 0;
  #hitCall = '';
  /** Number of times that the write has failed. */
  #meetings = 0;
  #attempt = 0;

  constructor(subject: Subject, fault: WriteFault | undefined) {
    this.#subject = subject;
    this.#fault = fault;
    this.#model = new AwsModel(ACCOUNT, initialState(subject), () => this.#remediator.now);
    const { rule, options = {}, method = 'api', definition } = subject;
    this.#remediator.settings = settingsOf({ rule, method, definition, options: { ...options } });
    this.#remediator.openSession = (_, __, life) =>
      this.#session((call) => life.step(() => this.#call(call, life)));
  }

  get outcome(): Outcome | undefined {
    return [...this.#remediator.outcomes.values()][0];
  }

  get #job(): Job {
    const { rule, resource } = this.#subject;
    const region = rule === 'iam-access-key-unrotated' ? 'global' : REGION;
    return {
      version: 1,
      poll: { source: 'netskope', rule, asOf: '2026-06-30T11:00:00Z' },
      account: ACCOUNT,
      region: REGION,
      chunk: 0,
      findings: [{ rule, account: ACCOUNT, region, resource }],
    };
  }

  /** Processes the job as its queue would, and its follow-up jobs. */
  async work(): Promise<void> {
    const jobs = [this.#job];
    for (let check = 0; check < MOST_CHECKS; check += 1) {
      const job = jobs.shift();
      if (job === undefined) return;
      for (let number = 1; number <= MOST_ATTEMPTS; number += 1) {
        this.#attempt += 1;
        const result = await this.#remediator
          .attempt(job, { number, last: number === MOST_ATTEMPTS })
          .catch((error: unknown) => {
            if (!(error instanceof Killed)) throw error;
            this.trace.push('the attempt was killed');
          });
        if (result?.unfinished.length === 0 && result.failures.length === 0) break;
        this.#remediator.fault = () => undefined;
        if (this.#fault?.thenExempt === true && this.#hit > 0) this.#exempt();
        this.#remediator.now += RETRY_MILLISECONDS;
      }
      for (const { job: later, delaySeconds } of this.#remediator.later.splice(0)) {
        this.trace.push(`checks again after ${delaySeconds} s`);
        this.#remediator.now += delaySeconds * 1000;
        jobs.push(later);
      }
    }
    this.problems.push(`still not done after ${MOST_CHECKS} checks`);
  }

  #exempt(): void {
    const { rule, options = {}, method = 'api', resource, definition } = this.#subject;
    const exemption = {
      account: ACCOUNT,
      region: '*',
      resource,
      reason: 'being migrated',
      owner: 'web',
      expires: '2999-01-01',
    };
    this.#remediator.settings = settingsOf({
      rule,
      method,
      definition,
      options: { ...options },
      exemptions: [exemption],
    });
  }

  #session(answer: (call: ModelCall) => Promise<object>) {
    return modelSession({ account: ACCOUNT, region: REGION }, () => this.#remediator.now, answer);
  }

  #call(call: ModelCall, life: Lifeline): object {
    this.#remediator.now += CALL_MILLISECONDS;
    const isWrite = this.#model.isWrite(call.operation);
    const text = JSON.stringify([call.operation, call.input]);
    if (this.#hit === this.#attempt) {
      if (this.#fault?.fault === 'then silence') throw networkError();
      if (this.#fault?.fault === 'then throttled' || this.#fault?.fault === 'throttled after')
        throw throttled();
      if (this.#fault?.fault === 'then denied') throw sdkError('AccessDenied', 'access denied', 403, 'r');
      if (text === this.#hitCall) return this.#meet(call, life);
    }
    if (!isWrite) return this.#carryOut(call);
    this.writes.push(call.operation);
    if (this.#fault === undefined || this.#hit > 0 || this.writes.length - 1 !== this.#fault.write)
      return this.#carryOut(call);
    this.#hit = this.#attempt;
    this.#hitCall = text;
    this.trace.push(`${call.operation} meets: ${this.#fault.fault}`);
    return this.#meet(call, life);
  }

  #meet(call: ModelCall, life: Lifeline): object {
    this.#meetings += 1;
    switch (this.#fault?.fault) {
      case 'killed before':
        life.end();
        throw new Killed('the function was killed');
      case 'killed after': {
        const output = this.#carryOut(call);
        life.end();
        return output;
      }
      case 'killed once marked':
        this.#remediator.fault = (port) => {
          if (port === 'writeJournal') life.end();
          return undefined;
        };
        return this.#carryOut(call);
      case 'answer lost':
      case 'then silence':
      case 'then throttled':
      case 'then denied':
        this.#unseen(call);
        throw networkError();
      case 'throttled after':
        return this.#carryOut(call);
      case 'throttled':
        if (this.#meetings > THROTTLES) return this.#carryOut(call);
        throw throttled();
      case 'expired':
        if (this.#meetings > 1) return this.#carryOut(call);
        throw sdkError('RequestExpired', 'request has expired', 400, 'r');
      default:
        throw sdkError('ServiceUnavailable', 'the service is unavailable', 503, 'r');
    }
  }

  /** Makes a call whose answer is lost. */
  #unseen(call: ModelCall): void {
    try {
      this.#carryOut(call);
    } catch (error) {
      if (!(error instanceof AwsModelError)) throw error;
    }
  }

  #carryOut({ operation, input, region }: ModelCall): object {
    const before = this.#model.state;
    const { output, next: after = before } = this.#model.answer(operation, input, before, region);
    // The calls of a runbook are not the product's.
    const isOurs = ({ item }: Transition): boolean =>
      operation !== 'StartAutomationExecution' || item.startsWith('execution ');
    const all = transitionsOf(before, after);
    const changed = all.filter(isOurs);
    this.#ofDocuments.push(...all.filter((each) => !isOurs(each)));
    this.#model.set(after);
    if (changed.length > 0) {
      this.#seen.push(...changed);
      this.trace.push(`${operation}: ${changed.map(transitionText).join('; ')}`);
    } else this.trace.push(operation);
    return output;
  }

  /** Compares the record with the changes that the calls made, and undoes them. */
  async judge(): Promise<void> {
    const { outcome } = this;
    if (outcome === undefined) {
      this.problems.push('there is no outcome');
      return;
    }
    const isExempt = this.#fault?.thenExempt === true && outcome.outcome === 'exempt';
    if (outcome.outcome !== 'remediated' && !isExempt) {
      this.problems.push(`the outcome is ${outcome.outcome} (${outcome.reason ?? 'no reason'})`);
    }
    if (outcome.applied.some(({ appliedAt }) => Date.parse(appliedAt) < Date.parse(outcome.startedAt))) {
      this.problems.push('something was applied before the recorded start of the work');
    }
    const applied = outcome.applied.map(({ change }) => change);
    const unknown = (outcome.unconfirmed ?? []).map(({ change }) => change);
    const recorded = recordedTransitions(applied);
    const doubts = new Doubts(applied, unknown);
    for (const each of missingFrom(this.#seen, recorded)) {
      if (doubts.take(each)) this.unconfirmed += 1;
      else this.problems.push(`not recorded: ${transitionText(each)}`);
    }
    for (const each of missingFrom(recorded, this.#seen)) {
      this.problems.push(`recorded, and never changed: ${transitionText(each)}`);
    }
    // An exempt resource is not read again until AWS's reads must show the change: so it is not confirmed.
    if (unknown.length > 0 && this.unconfirmed === 0) {
      if (isExempt) this.unconfirmed += 1;
      else
        this.problems.push(
          `unconfirmed, although everything is known: ${outcome.unconfirmed?.map(({ line }) => line)}`,
        );
    }
    if (this.problems.length === 0 && applied.length > 0) await this.#judgeUndo();
  }

  /** Undoes the fix as an operator would, from its record. */
  async #judgeUndo(): Promise<void> {
    this.#remediator.now += 600_000;
    this.#remediator.openSession = () => this.#session(async (call) => this.#carryOut(call));
    const desk = new UndoDesk(this.#remediator);
    const outcomes = await desk.undo(desk.fixesOf(this.#subject.resource).slice(0, 1));
    const left = notRestored(initialState(this.#subject), this.#model.state);
    // What a document changed is not recorded: an undo says so, and restores what direct calls changed.
    const byDocuments = new Set(contentsOf(this.#ofDocuments));
    this.notUndone = left.filter((each) => byDocuments.has(each));
    if (this.notUndone.length > 0 && !outcomes.some(({ reason = '' }) => /document|runbook/.test(reason)))
      this.problems.push('the undo does not say that it cannot restore what a document changed');
    if (this.notUndone.length === left.length) return;
    const words = outcomes.map(({ outcome, reason }) => `${outcome} (${reason ?? 'no reason'})`);
    this.problems.push(`the undo is ${words.join(', ')} and leaves: ${left.join('; ')}`);
  }
}
