import { z } from 'zod';

const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'] as const;
const WEEK: readonly string[] = DAYS;

const timeOfDaySchema = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'expected hours and minutes, such as "22:00"');

/**
 * The times at which a rule may change resources, by the wall clock of `time_zone`. The window opens on each of `days`
 * at `start` and closes at the next `end`, which is on the following day if `end` is not later than `start`.
 */
export const maintenanceWindowSchema = z.strictObject({
  days: z.array(z.enum(DAYS)).min(1),
  start: timeOfDaySchema,
  /** The first minute at which the window is closed. */
  end: timeOfDaySchema,
  time_zone: z.string().refine(isTimeZone, 'expected a name of the IANA time zone database'),
});
export type MaintenanceWindow = z.infer<typeof maintenanceWindowSchema>;

/** Reports whether the window is open at a moment. */
export function isOpen({ days, start, end, time_zone }: MaintenanceWindow, at: Date): boolean {
  const { day, time } = wallClock(at, time_zone);
  const opensOn = (weekday: number): boolean => days.some((name) => WEEK.indexOf(name) === weekday);
  // Times of day have the same format, so they compare as text.
  if (start < end) return opensOn(day) && start <= time && time < end;
  return (opensOn(day) && start <= time) || (opensOn((day + 6) % 7) && time < end);
}

/** Describes the window in words: `22:00 to 04:00 Europe/Berlin on FRI, SAT`. */
export function describeWindow({ days, start, end, time_zone }: MaintenanceWindow): string {
  const on = new Set(days).size === DAYS.length ? 'every day' : `on ${days.join(', ')}`;
  return `${start} to ${end} ${time_zone} ${on}`;
}

const MINUTE_MILLISECONDS = 60_000;
const DAY_MINUTES = 24 * 60;

/** Returns the time at which a closed window opens next, regardless of clock changes until then. */
export function nextOpening(window: MaintenanceWindow, after: Date): Date | undefined {
  const start = minutesOf(window.start);
  const whole = Math.floor(after.getTime() / MINUTE_MILLISECONDS) * MINUTE_MILLISECONDS;
  for (let day = 0; day <= 8; day += 1) {
    const ahead = start - minutesOf(wallClock(new Date(whole), window.time_zone).time) + day * DAY_MINUTES;
    const guess = whole + ahead * MINUTE_MILLISECONDS;
    // The difference is caused by clock changes in between.
    const late = minutesOf(wallClock(new Date(guess), window.time_zone).time) - start;
    const wrapped = ((late + 1.5 * DAY_MINUTES) % DAY_MINUTES) - DAY_MINUTES / 2;
    const opening = new Date(guess - wrapped * MINUTE_MILLISECONDS);
    const open = [opening, new Date(guess)].find((each) => each > after && isOpen(window, each));
    if (open !== undefined) return beginOf(window, open, after);
  }
  return undefined;
}

/**
 * Returns the first minute of an opening. If clocks are put forward past the start time, that is the minute after the
 * gap.
 */
function beginOf(window: MaintenanceWindow, open: Date, after: Date): Date {
  const before = new Date(open.getTime() - MINUTE_MILLISECONDS);
  return before > after && isOpen(window, before) ? beginOf(window, before, after) : open;
}

function minutesOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return hours * 60 + minutes;
}

/** Returns the day of the week (0: Sunday) and the time of day (`09:05`) in a time zone. */
function wallClock(at: Date, timeZone: string): { day: number; time: string } {
  const parts = new Map(
    new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
    })
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  );
  return {
    day: WEEK.indexOf(parts.get('weekday')?.toUpperCase() ?? ''),
    time: `${parts.get('hour')}:${parts.get('minute')}`,
  };
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
