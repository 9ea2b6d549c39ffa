import type { AccountState } from './accounts.ts';

/** The result of several hours of polls. */
export interface DayReport {
  readonly seed: number;
  readonly hours: number;
  readonly findings: number;
  readonly jobs: number;
  /** Attempts by the state of the account: number of attempts → number of findings. */
  readonly attempts: ReadonlyMap<AccountState, ReadonlyMap<number, number>>;
  /** Assumptions of roles by the state of the account, and the most in one account and poll while it had no role. */
  readonly assumptions: ReadonlyMap<AccountState, number>;
  readonly mostWithoutRole: number;
  /** Number of messages about missing roles. */
  readonly messages: number;
  readonly problems: readonly string[];
}

/** A report as lines for a person. */
export function dayLines(report: DayReport): string[] {
  const { seed, hours, findings, jobs, attempts, assumptions, mostWithoutRole, messages, problems } = report;
  return [
    `seed ${seed}: ${findings} findings, polled hourly for ${hours} hours, in ${jobs} jobs`,
    ...[...attempts].map(([state, numbers]) => {
      const counts = [...numbers].sort(([one], [other]) => one - other);
      const words = counts.map(([times, number]) => `${number} findings ${times} times`).join(', ');
      return `  ${state}: ${words}; ${assumptions.get(state) ?? 0} sessions requested`;
    }),
    `at most ${mostWithoutRole} sessions requested in one poll of an account without the role; ${messages} messages`,
    `${problems.length} wrong`,
    ...problems.slice(0, 50),
  ];
}
