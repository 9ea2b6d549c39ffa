import { OutOfTimeError } from '../../model/errors.ts';
import { retry } from '../verdict.ts';
import type { Gate } from './gate.ts';

/** Time that is reserved for reading back and recording. The function's timeout must be much longer. */
const RESERVED_MILLISECONDS = 45_000;

/** Stops a finding if the function only has enough time left to read back and record its changes. */
export const timeLeft: Gate = (_finding, { attempt }) => {
  const left = attempt.remainingMilliseconds();
  if (left >= RESERVED_MILLISECONDS) return undefined;
  const seconds = Math.round(left / 1000);
  return retry(
    new OutOfTimeError(
      `the function had ${seconds} s left, too little for further changes: the next attempt continues; if this happens repeatedly, increase the remediator's timeout`,
    ),
  );
};
