import type { AwsState } from './state.ts';

/** An error that AWS documents for a call. */
export class AwsModelError extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string = code, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** The result of a call: the SDK's output, and the state after it, if it changed something. */
export interface Answered {
  readonly output: object;
  readonly next?: AwsState;
}

/** The caller, and the ids of new resources. */
export interface OperationContext {
  readonly account: string;
  readonly region: string;
  /** Time in milliseconds. */
  readonly now: number;
  /** Time from the start of an automation execution to its change, in milliseconds. */
  readonly automationDelay: number;
  newId(prefix: string): string;
}

export interface Operation {
  readonly isWrite: boolean;
  /** @throws AwsModelError if AWS refuses the call, which then changes nothing */
  answer(input: unknown, state: AwsState, context: OperationContext): Answered;
}

type Call<T> = (input: unknown, state: AwsState, context: OperationContext) => T;

/** An operation that reads. */
export function reading(output: Call<object>): Operation {
  return { isWrite: false, answer: (...call) => ({ output: output(...call) }) };
}

/** An operation that changes the state, and returns nothing else. */
export function writing(next: Call<AwsState>): Operation {
  return { isWrite: true, answer: (...call) => ({ output: {}, next: next(...call) }) };
}
