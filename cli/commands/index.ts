import type { CommandFacts } from '../command.ts';
import { status } from './status/facts.ts';

/** All commands, in the order in which help lists them. */
export const commands: readonly CommandFacts[] = [status];
