import type { CommandFacts } from '../command.ts';
import { coverage } from './coverage/facts.ts';
import { doctor } from './doctor/facts.ts';
import { explain } from './explain/facts.ts';
import { hold } from './hold/facts.ts';
import { outcomes } from './outcomes/facts.ts';
import { pause } from './pause/facts.ts';
import { plan } from './plan/facts.ts';
import { poll } from './poll/facts.ts';
import { redrive } from './redrive/facts.ts';
import { release } from './release/facts.ts';
import { resume } from './resume/facts.ts';
import { retry } from './retry/facts.ts';
import { status } from './status/facts.ts';
import { undo } from './undo/facts.ts';

/** All commands, in the order in which help lists them: first those that only read, then those that act. */
export const commands: readonly CommandFacts[] = [
  status,
  outcomes,
  explain,
  doctor,
  coverage,
  plan,
  poll,
  undo,
  hold,
  release,
  retry,
  pause,
  resume,
  redrive,
];
