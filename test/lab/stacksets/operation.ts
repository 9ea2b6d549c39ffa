import type { OperationPreferences } from './api.ts';

export type OperationAction = 'CREATE' | 'UPDATE' | 'DELETE';
export type OperationStatus = 'QUEUED' | 'RUNNING' | 'SUCCEEDED' | 'FAILED';
export type ResultStatus = 'PENDING' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED';

/** The part of a StackSet in one account and region: a stack, or a missing one. */
export interface StackInstance {
  readonly account: string;
  readonly region: string;
  /** The unit or root that was named as its target. */
  unit: string;
  status: 'CURRENT' | 'OUTDATED' | 'INOPERABLE';
  /** Result of the last operation on it. */
  detailedStatus: ResultStatus;
  statusReason?: string | undefined;
  lastOperationId: string;
  stackId?: string;
}

/** The result of an operation for one instance. */
export interface OperationResult {
  readonly instance: StackInstance;
  readonly status: ResultStatus;
  readonly statusReason: string | undefined;
}

export interface OperationRequest {
  readonly id: string;
  readonly action: OperationAction;
  readonly preferences: OperationPreferences;
  readonly units?: readonly string[];
  readonly retainStacks?: boolean;
  /** The instances to process, listed when the operation starts. */
  readonly instances: () => readonly StackInstance[];
  /** Does the work in one account and region; throws the reason of a failure. */
  readonly work: (instance: StackInstance) => Promise<void>;
}

const CANCELLED = 'Cancelled since failure tolerance has exceeded';

/** Work on many accounts, in parallel, until too many have failed. */
export class Operation {
  readonly request: OperationRequest;
  readonly createdAt = new Date();
  readonly #results = new Map<StackInstance, OperationResult>();
  status: OperationStatus = 'QUEUED';
  endedAt?: Date;

  constructor(request: OperationRequest) {
    this.request = request;
  }

  get results(): readonly OperationResult[] {
    return [...this.#results.values()];
  }

  get failures(): number {
    return this.results.filter(({ status }) => status === 'FAILED').length;
  }

  /** Runs it to its end, which may be a failure. */
  async run(): Promise<void> {
    this.status = 'RUNNING';
    const instances = [...new Set(this.request.instances())];
    for (const instance of instances) this.#mark(instance, 'PENDING');
    let isGood = true;
    for (const region of new Set(instances.map((instance) => instance.region))) {
      if (isGood) isGood = await this.#runRegion(instances.filter((instance) => instance.region === region));
    }
    for (const { instance, status } of this.results) {
      if (status === 'PENDING') this.#mark(instance, 'CANCELLED', CANCELLED);
    }
    this.endedAt = new Date();
    this.status = isGood ? 'SUCCEEDED' : 'FAILED';
  }

  /** @returns whether the number of failures is tolerated */
  async #runRegion(instances: readonly StackInstance[]): Promise<boolean> {
    const { tolerance, atOnce } = limits(this.request.preferences, instances.length);
    const isSoft = this.request.preferences.ConcurrencyMode === 'SOFT_FAILURE_TOLERANCE';
    const waiting = [...instances];
    const running = new Set<Promise<void>>();
    let failed = 0;
    while (failed <= tolerance || running.size > 0) {
      // As many as could fail without exceeding the tolerance, and one more.
      const places = failed > tolerance ? 0 : isSoft ? atOnce : Math.min(atOnce, tolerance + 1 - failed);
      for (const instance of waiting.splice(0, Math.max(0, places - running.size))) {
        const work = this.#work(instance).then((isDone) => {
          if (!isDone) failed += 1;
          running.delete(work);
        });
        running.add(work);
      }
      if (running.size === 0) break;
      await Promise.race(running);
    }
    return failed <= tolerance;
  }

  async #work(instance: StackInstance): Promise<boolean> {
    this.#mark(instance, 'RUNNING');
    try {
      await this.request.work(instance);
      this.#mark(instance, 'SUCCEEDED');
      return true;
    } catch (error) {
      this.#mark(instance, 'FAILED', error instanceof Error ? error.message : String(error));
      return false;
    }
  }

  #mark(instance: StackInstance, status: ResultStatus, statusReason?: string): void {
    this.#results.set(instance, { instance, status, statusReason });
    instance.detailedStatus = status;
    instance.statusReason = statusReason;
    instance.lastOperationId = this.request.id;
  }
}

/**
 * Finds how many of a region's accounts may fail, and how many are processed at once.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackSetOperationPreferences.html
 */
function limits(preferences: OperationPreferences, accounts: number) {
  const share = (percentage: number): number => Math.floor((percentage * accounts) / 100);
  const { FailureTolerancePercentage: tolerated = 0, MaxConcurrentPercentage: concurrent } = preferences;
  const atOnce = concurrent === undefined ? 1 : share(concurrent);
  return {
    tolerance: preferences.FailureToleranceCount ?? share(tolerated),
    atOnce: Math.max(1, preferences.MaxConcurrentCount ?? atOnce),
  };
}
