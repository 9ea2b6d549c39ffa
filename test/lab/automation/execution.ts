import { setTimeout as sleep } from 'node:timers/promises';
import { ServiceException } from '@smithy/core/client';
import {
  AssertionFailed,
  type AutomationDocument,
  DOCUMENT_VERSION,
  type MakeClient,
  type Step,
} from './document.ts';
import type { StepEffect } from './faults.ts';
import type { Pace } from './pace.ts';

/** https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-statuses.html */
export type ExecutionStatus =
  | 'Pending'
  | 'InProgress'
  | 'Success'
  | 'Failed'
  | 'TimedOut'
  | 'Cancelling'
  | 'Cancelled';

/** https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_FailureDetails.html */
export interface Failure {
  readonly message: string;
  readonly stage: 'Invocation' | 'PostVerification';
  readonly type: 'Action' | 'Permission' | 'Throttling' | 'Verification' | 'Internal';
}

export interface StepExecution {
  readonly name: string;
  readonly action: string;
  readonly status: ExecutionStatus;
  readonly startedAt?: Date;
  readonly endedAt?: Date;
  readonly failure?: Failure;
}

/** Request that starts an execution. */
export interface ExecutionRequest {
  readonly id: string;
  readonly account: string;
  readonly region: string;
  readonly document: AutomationDocument;
  /** Parameters as they were given. */
  readonly given: Readonly<Record<string, readonly string[]>>;
  /** Parameters with defaults. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly tags: readonly { readonly Key: string; readonly Value: string }[];
  /** The ARN of the caller. */
  readonly executedBy: string;
  readonly client: MakeClient;
}

/** An execution, as tests read it. */
export interface AutomationExecution extends Omit<ExecutionRequest, 'document' | 'client' | 'given'> {
  readonly documentName: string;
  readonly documentVersion: string;
  readonly status: ExecutionStatus;
  /** Waits for a free slot among the running executions. */
  readonly isQueued: boolean;
  readonly steps: readonly StepExecution[];
  readonly currentStep: StepExecution | undefined;
  readonly failureMessage: string | undefined;
  readonly startedAt: Date;
  readonly endedAt: Date | undefined;
}

/** Chooses a replacement for a step when the execution has reached it. */
export type MeetFault = (execution: AutomationExecution, step: string) => StepEffect | undefined;

/** Interval between two checks of a wait that a test wants to finish. */
const HURRIED_LOOK_MILLISECONDS = 20;

const GUIDE = 'Please refer to Automation Service Troubleshooting Guide for more diagnosis details.';

/** Ends an execution before its last step. */
class Ended extends Error {
  override name = 'Ended' as const;
  readonly status: 'Failed' | 'TimedOut' | 'Cancelled';
  readonly failure: Failure | undefined;

  constructor(status: Ended['status'], failure?: Failure) {
    super(failure?.message ?? status);
    this.status = status;
    this.failure = failure;
  }
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** One run of a document. */
export class Execution implements AutomationExecution {
  readonly #request: ExecutionRequest;
  readonly #pace: Pace;
  readonly #meetFault: MeetFault;
  readonly #steps: Writable<StepExecution>[] = [];
  #status: ExecutionStatus = 'Pending';
  #endedAt: Date | undefined;
  #failureMessage: string | undefined;
  #run: Promise<void> | undefined;
  #isHurried = false;
  readonly startedAt = new Date();

  constructor(request: ExecutionRequest, pace: Pace, meetFault: MeetFault) {
    this.#request = request;
    this.#pace = pace;
    this.#meetFault = meetFault;
  }

  get id(): string {
    return this.#request.id;
  }
  get account(): string {
    return this.#request.account;
  }
  get region(): string {
    return this.#request.region;
  }
  get documentName(): string {
    return this.#request.document.name;
  }
  get documentVersion(): string {
    return this.#request.document.version ?? DOCUMENT_VERSION;
  }
  get given(): ExecutionRequest['given'] {
    return this.#request.given;
  }
  get parameters(): ExecutionRequest['parameters'] {
    return this.#request.parameters;
  }
  get tags(): ExecutionRequest['tags'] {
    return this.#request.tags;
  }
  get executedBy(): string {
    return this.#request.executedBy;
  }
  get status(): ExecutionStatus {
    return this.#status;
  }
  get isQueued(): boolean {
    return this.#run === undefined && this.#endedAt === undefined;
  }
  get steps(): readonly StepExecution[] {
    return this.#steps;
  }
  get currentStep(): StepExecution | undefined {
    return this.#steps.find(({ endedAt }) => endedAt === undefined);
  }
  get failureMessage(): string | undefined {
    return this.#failureMessage;
  }
  get endedAt(): Date | undefined {
    return this.#endedAt;
  }

  /** Runs to the end. Never rejects. */
  begin(): Promise<void> {
    this.#run ??= this.#runAll();
    return this.#run;
  }

  /** Runs to the end without a pause. */
  async finish(): Promise<void> {
    this.#isHurried = true;
    this.#pace.wake(this);
    await this.begin();
  }

  /** A step that is calling AWS finishes first. */
  cancel(): void {
    if (this.#endedAt !== undefined) return;
    this.#status = 'Cancelling';
    if (this.isQueued) this.#end('Cancelled');
    else this.#pace.wake(this);
  }

  async #runAll(): Promise<void> {
    try {
      await this.#turn();
      this.#status = 'InProgress';
      for (const step of this.#request.document.steps(this.parameters)) await this.#runStep(step);
      this.#leaveIfCancelled();
      this.#end('Success');
    } catch (error) {
      const { status, failure } = error instanceof Ended ? error : new Ended('Failed', internal(error));
      this.#end(status, failure);
    }
  }

  async #runStep(step: Step): Promise<void> {
    const { name, action } = step;
    const record: Writable<StepExecution> = { name, action, status: 'InProgress', startedAt: new Date() };
    this.#steps.push(record);
    try {
      await this.#turn();
      await this.#beFaulted(step);
      while ((await this.#attempt(step)) === 'again') {
        if (this.#isHurried) await sleep(HURRIED_LOOK_MILLISECONDS);
        await this.#turn();
      }
      record.status = 'Success';
    } catch (error) {
      if (!(error instanceof Ended)) throw error;
      record.status = error.status;
      if (error.failure !== undefined) record.failure = error.failure;
      throw error;
    } finally {
      record.endedAt = new Date();
    }
  }

  async #attempt(step: Step): Promise<'done' | 'again'> {
    const { parameters, client } = this.#request;
    try {
      return await step.run({ parameters, client });
    } catch (error) {
      throw new Ended('Failed', failureOf(step, error));
    }
  }

  async #beFaulted({ name }: Step): Promise<void> {
    const effect = this.#meetFault(this, name);
    if (effect === undefined) return;
    if (effect === 'hang') {
      if (!this.#isHurried) await this.#pace.wakeOnly(this);
      this.#leaveIfCancelled();
    } else if (effect === 'cancel') {
      throw new Ended('Cancelled');
    } else if (effect === 'time-out') {
      const message = `Step timed out while step is executing ${name}. ${GUIDE}`;
      throw new Ended('TimedOut', { message, stage: 'Invocation', type: 'Action' });
    } else {
      throw new Ended('Failed', { message: effect.fail, stage: 'Invocation', type: 'Action' });
    }
  }

  async #turn(): Promise<void> {
    if (!this.#isHurried && this.#status !== 'Cancelling') await this.#pace.turn(this);
    this.#leaveIfCancelled();
  }

  #leaveIfCancelled(): void {
    if (this.#status === 'Cancelling') throw new Ended('Cancelled');
  }

  #end(status: ExecutionStatus, failure?: Failure): void {
    this.#status = status;
    this.#endedAt = new Date();
    this.#failureMessage = failure?.message;
  }
}

function failureOf({ api = '' }: Step, error: unknown): Failure {
  if (error instanceof AssertionFailed) {
    const message = `Step fails when it is verifying the resource's property. ${error.message}. ${GUIDE}`;
    return { message, stage: 'PostVerification', type: 'Verification' };
  }
  if (!(error instanceof ServiceException)) return internal(error);
  // Some services' errors have a longer name in the SDK than on the wire.
  const code = error.name.replace(/Fault$/, '');
  return {
    message: `Step fails when it is Execute/Cancelling action. An error occurred (${code}) when calling the ${api} operation: ${error.message}. ${GUIDE}`,
    stage: 'Invocation',
    type: isDenial(code) ? 'Permission' : isThrottle(code) ? 'Throttling' : 'Action',
  };
}

function isDenial(code: string): boolean {
  return ['AccessDenied', 'AccessDeniedException', 'UnauthorizedOperation'].includes(code);
}

function isThrottle(code: string): boolean {
  return /^(Throttling|ThrottlingException|RequestLimitExceeded)$/.test(code);
}

function internal(error: unknown): Failure {
  return {
    message: `Internal Server Error (${String(error)}). ${GUIDE}`,
    stage: 'Invocation',
    type: 'Internal',
  };
}
