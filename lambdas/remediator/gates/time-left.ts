import { OutOfTimeError } from '../../model/errors.ts';
import { retry } from '../verdict.ts';
import type { Gate } from './gate.ts';

/** The time that reading back and recording take at most. The function's timeout must be well above it. */
const RESERVED_MILLISECONDS = 45_000;

/** The function's time is nearly up: what was changed must still be read back and recorded. */
export const timeLeft: Gate = (_finding, { attempt }) => {
  const left = attempt.remainingMilliseconds();
  if (left >= RESERVED_MILLISECONDS) return undefined;
  const seconds = Math.round(left / 1000);
  return retry(
    new OutOfTimeError(
      `the function had ${seconds} s left, too little for further changes: the next attempt continues; if that happens repeatedly, raise the remediator's timeout`,
    ),
  );
};
