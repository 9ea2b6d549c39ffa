import { automationOperations, withExecutionsAt } from './automation.ts';
import { bucketOperations } from './buckets.ts';
import { cloudControlOperations } from './cloud-control.ts';
import { clusterOperations } from './clusters.ts';
import { databaseOperations } from './databases.ts';
import { flowLogOperations } from './flow-logs.ts';
import { logGroupOperations } from './log-groups.ts';
import { networkAclOperations } from './network-acls.ts';
import { type Answered, AwsModelError, type Operation, type OperationContext } from './operation.ts';
import { securityGroupOperations } from './security-groups.ts';
import type { AwsState } from './state.ts';
import { trailOperations } from './trails.ts';
import { userOperations } from './users.ts';

const operations: Readonly<Record<string, Operation>> = {
  ...securityGroupOperations,
  ...networkAclOperations,
  ...bucketOperations,
  ...flowLogOperations,
  ...userOperations,
  ...databaseOperations,
  ...trailOperations,
  ...logGroupOperations,
  ...clusterOperations,
  ...automationOperations,
  ...cloudControlOperations,
};

/** A state and the time since which it is the current one. */
export interface Version {
  readonly at: number;
  readonly state: AwsState;
}

/** The AWS of one account in memory: its state, and all former states. */
export class AwsModel {
  readonly account: string;
  readonly #versions: Version[];
  #ids = 0;

  readonly #now: () => number;

  readonly #automationDelay: number;

  /** @param automationDelay time from the start of an automation execution to its change, in milliseconds */
  constructor(account: string, initial: AwsState, now: () => number, automationDelay = 0) {
    this.account = account;
    this.#automationDelay = automationDelay;
    this.#now = now;
    this.#versions = [{ at: now(), state: initial }];
  }

  get versions(): readonly Version[] {
    return this.#versions;
  }

  get state(): AwsState {
    return this.#version(0).state;
  }

  /**
   * The state of so many versions ago, but not one that was replaced before `notBefore`: reads of AWS may be old, but not
   * indefinitely.
   */
  past(versionsAgo: number, notBefore: number): AwsState {
    let ago = Math.min(versionsAgo, this.#versions.length - 1);
    while (ago > 0 && this.#version(ago - 1).at < notBefore) ago -= 1;
    return this.#version(ago).state;
  }

  /** Replaces the state, as someone's act. */
  set(state: AwsState): void {
    if (state !== this.state) this.#versions.push({ at: this.#now(), state });
  }

  /** Makes the changes of automation executions that are due. */
  passTime(): void {
    this.set(withExecutionsAt(this.state, this.#now()));
  }

  isWrite(operation: string): boolean {
    return this.#operation(operation).isWrite;
  }

  /**
   * Answers a call without changing anything.
   * @throws AwsModelError if AWS refuses it
   */
  answer(operation: string, input: unknown, state: AwsState, region: string): Answered {
    const context: OperationContext = {
      account: this.account,
      region,
      now: this.#now(),
      automationDelay: this.#automationDelay,
      newId: (prefix) => {
        this.#ids += 1;
        return `${prefix}-${this.#ids.toString(16).padStart(17, 'f')}`;
      },
    };
    return this.#operation(operation).answer(input, state, context);
  }

  #operation(name: string): Operation {
    const operation = operations[name];
    if (operation === undefined) throw new AwsModelError('ModelLimit', `the model does not support ${name}`);
    return operation;
  }

  #version(ago: number): Version {
    const version = this.#versions.at(-1 - ago);
    if (version === undefined) throw new Error(`no version ${ago} states ago`);
    return version;
  }
}
