import type { CommandFacts } from '../command.ts';
import { explain } from './explain/facts.ts';
import { outcomes } from './outcomes/facts.ts';
import { status } from './status/facts.ts';

/** All commands, in the order in which help lists them. */
export const commands: readonly CommandFacts[] = [status, outcomes, explain];
