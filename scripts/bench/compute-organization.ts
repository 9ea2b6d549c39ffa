import { costPerMonth } from './cost.ts';
import { type Calls, enforced, ROUND_MILLISECONDS } from './jobs.ts';
import { backlogOf, growthOf, minutesOf } from './organization.ts';

const SECONDS_OF_ROUND = ROUND_MILLISECONDS / 1000;
const PLACE = { findings: 100_000, accounts: 1_000, regions: 4 };
const POLLS = 24;
const TIMES_FASTER = 3;

/**
 * Computes how long an organization's jobs take and what they cost, from the measured rounds and calls of jobs.
 * @param measured receives the figures
 * @param steady a job whose findings are unchanged
 */
export function computeOrganization(
  measured: Map<string, number>,
  steady: Calls,
  rules: readonly string[],
): object {
  const poll = {
    findings: 10_000,
    calls: steady.operations,
    seconds: steady.rounds.length * SECONDS_OF_ROUND,
  };
  measured.set('organization.cost.full_jobs', costPerMonth({ ...poll, jobs: 440 }));
  measured.set('organization.cost.small_jobs', costPerMonth({ ...poll, jobs: 4_000 }));
  const of = (key: string): number => measured.get(key) ?? 0;
  const more = Object.entries(enforced).map(
    ([word, { rule }]) => of(`rounds.enforce.${word}`) - of(`rounds.look.${rule}`),
  );
  const moreToFix = more.reduce((sum, rounds) => sum + rounds, 0) / more.length;
  const look = rules.map((rule) => of(`rounds.look.${rule}`) * SECONDS_OF_ROUND);
  const fix = look.map((seconds) => seconds + moreToFix * SECONDS_OF_ROUND);
  const minutes = (secondsByRule: readonly number[]) =>
    Object.fromEntries(
      [5, 10, 100].map((concurrency) => [concurrency, minutesOf({ ...PLACE, secondsByRule, concurrency })]),
    );
  const backlog = backlogOf({ ...PLACE, secondsByRule: look, concurrency: 10 }, POLLS, TIMES_FASTER);
  measured.set('organization.backlog.growth', growthOf(backlog));
  measured.set('organization.backlog.polls', backlog.mostPolls);
  return {
    secondsOfRound: SECONDS_OF_ROUND,
    minutes: { look: minutes(look), fix: minutes(fix) },
    backlog: backlog.before,
    steadyJob: { rounds: steady.rounds, operations: steady.operations },
  };
}
