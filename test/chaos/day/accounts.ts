import { sdkError } from '../../lab/aws-model/session.ts';
import { MAX_RECEIVE_COUNT } from '../accounting/run.ts';
import type { SdkCall } from '../accounting/sdk.ts';

/** The states of accounts. */
export const STATES = [
  'healthy',
  'changes denied',
  'reads denied',
  'role missing',
  'role missing at first',
  'throttled at first',
] as const;
export type AccountState = (typeof STATES)[number];

/** The number of hours after which the states "at first" end. */
export const FIRST_HOURS = 3;

const isAssumption = ({ operation }: SdkCall): boolean => operation === 'AssumeRole';
const isRead = ({ operation }: SdkCall): boolean => /^(Describe|List|Get)/.test(operation);

/** Tells whether a call may change something. */
export function isChange(call: SdkCall): boolean {
  return !isAssumption(call) && !isRead(call);
}

/** The error of calls to an account in a state at an hour; undefined if they succeed. */
export function refusalOf(state: AccountState, hour: number, call: SdkCall): Error | undefined {
  switch (state) {
    case 'healthy':
      return undefined;
    case 'changes denied':
      return isAssumption(call) || isRead(call) ? undefined : denied();
    case 'reads denied':
      return isAssumption(call) ? undefined : denied();
    case 'role missing':
      return isAssumption(call) ? denied() : undefined;
    case 'role missing at first':
      return isAssumption(call) && hour < FIRST_HOURS ? denied() : undefined;
    case 'throttled at first':
      return isAssumption(call) || hour >= FIRST_HOURS
        ? undefined
        : sdkError('ThrottlingException', 'Rate exceeded', 400, 'request');
  }
}

function denied(): Error {
  return sdkError('AccessDenied', 'not authorized', 403, 'request');
}

/** The hours at which a finding of an account in a state must be attempted; undefined if they depend on AWS's pace. */
export function attemptsIn(state: AccountState, hours: number): number[] | undefined {
  const upTo = (all: readonly number[]): number[] => all.filter((hour) => hour < hours);
  switch (state) {
    case 'healthy':
      return upTo([0]);
    case 'changes denied':
    case 'reads denied': {
      // After one hour, four, and then daily.
      const daily = Array.from({ length: Math.ceil(hours / 24) }, (_, day) => 5 + 24 * (day + 1));
      return upTo([0, 1, 5, ...daily]);
    }
    case 'role missing':
      return [];
    case 'role missing at first':
      return upTo([FIRST_HOURS]);
    case 'throttled at first':
      // What was not finished before is: there is no wait.
      return undefined;
  }
}

/** The most attempts at a finding of an account in a state: a throttled job is attempted as often as a queue allows. */
export function mostIn(state: AccountState, hours: number): number {
  const due = attemptsIn(state, hours);
  return due?.length ?? FIRST_HOURS * MAX_RECEIVE_COUNT + 1;
}
