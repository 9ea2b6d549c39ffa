import { pollItemSchema, pollKey } from '../../lambdas/model/table-items.ts';
import type { Context } from '../context.ts';
import { nextRun } from '../cron.ts';
import type { Opened } from '../deployed/index.ts';
import { readSchedule } from '../deployed/schedule.ts';
import { BEFORE_READING, type Obstacle } from './obstacles.ts';

/** The next poll of a rule, if known. */
export interface NextPoll {
  readonly at?: string;
  readonly schedule?: string;
  /** The reason why there is no next poll. */
  readonly problem?: string;
}

/** Finds when a rule is polled next. */
export async function nextPollOf(
  { clients, now }: Context,
  { deployment, table }: Opened,
  rule: string,
): Promise<NextPoll> {
  const [schedule, [mark]] = await Promise.all([
    readSchedule(clients, deployment, rule),
    table.read(pollItemSchema, [pollKey(rule)]),
  ]);
  if (schedule === undefined) return { problem: `${rule} is not polled: it has no schedule` };
  const { ScheduleExpression: expression = '', ScheduleExpressionTimezone: zone = 'UTC', State } = schedule;
  if (State === 'DISABLED') return { schedule: expression, problem: `the schedule of ${rule} is disabled` };
  const last = mark?.poll === undefined ? undefined : Date.parse(mark.poll.asOf);
  const at = nextRun(expression, zone, last, now().getTime());
  return { schedule: expression, ...(at !== undefined && { at: new Date(at).toISOString() }) };
}

/** Describes what the next poll does with a finding, if it is still reported and still violates the rule. */
export function doesNext(against: readonly Obstacle[]): string {
  const isPlanned = against.some(({ gate }) => gate === 'dry_run');
  // A dry run ignores holds.
  const isLeft = ({ gate }: Obstacle): boolean =>
    BEFORE_READING.includes(gate) || (gate === 'hold' && !isPlanned);
  const left = against.find(isLeft);
  if (left !== undefined) return `It does not change the resource: ${left.says}.`;
  if (isPlanned) return 'It reads the resource and plans; it changes nothing.';
  const [stop] = against;
  if (stop === undefined)
    return 'It reads the resource, and fixes it if it still violates the rule and no tag exempts it.';
  if (stop.gate === 'breaker') return `It reads the resource and plans; it changes nothing: ${stop.says}.`;
  return `It reads the resource and plans, and defers the change: ${stop.says}.`;
}
