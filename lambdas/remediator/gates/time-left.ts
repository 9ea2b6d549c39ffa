import { OutOfTimeError } from '../../model/errors.ts';
import { retry } from '../verdict.ts';
import type { Gate } from './gate.ts';

/** The time that reading back and recording take at most. The function's timeout must be well above it. */
const RESERVED_MILLISECONDS = 45_000;

/** The function has little time left, which it needs to read back and record what was changed. */
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
