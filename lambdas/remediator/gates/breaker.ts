import { resumeBreakerCommand } from '../../model/operator-commands.ts';
import { conclude } from '../verdict.ts';
import type { Work } from '../work.ts';
import type { Gate } from './gate.ts';

/** Describes why a breaker is open, and what to do. Returns undefined if it is closed. */
export function openBreaker({ breaker, job }: Pick<Work, 'breaker' | 'job'>): string | undefined {
  const { opened, problem } = breaker;
  if (opened === undefined) return undefined;
  const { rule } = job.poll;
  const reasons = opened.reasons.map((reason) => `"${reason}"`).join(', ');
  const wrong = problem === undefined ? '' : ` (the existing item cannot be parsed: ${problem})`;
  return `${rule} has been in dry run in account ${job.account} since ${opened.at}, because ${opened.failed} of ${opened.changes} changes within an hour failed or were undone by hand, most recently: ${reasons}. To resume after you have fixed the cause: ${resumeBreakerCommand(rule, job.account)}${wrong}`;
}

/** Stops fixes while the rule's breaker is open in the account: they are planned, and nothing is changed. */
export const breaker: Gate<Pick<Work, 'breaker' | 'job'>> = (_finding, work) => {
  const reason = openBreaker(work);
  return reason === undefined ? undefined : conclude('planned', { gate: 'breaker', reason });
};
