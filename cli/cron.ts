const MINUTE = 60_000;
const QUARTER = 15 * MINUTE;
const DAY = 24 * 60 * MINUTE;

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

/** Tests a local time, stored as if it were UTC, against one field. */
type Matches = (local: Date) => boolean;

/** A minute in a time zone, and the first moment at which its clocks show it. */
export interface DueMinute {
  readonly at: number;
  /** The local time, as if it were UTC. If clocks are set back, they show it twice, but EventBridge Scheduler runs once. */
  readonly local: number;
}

/**
 * The minutes from `begin` until before `end` at which EventBridge Scheduler runs a cron expression: the six fields
 * without `cron(…)` (user guide, "Cron-based schedules"). A local time that clocks skip is not run.
 * @throws Error that names the field that cannot be parsed
 */
export function cronMinutes(fields: string, timeZone: string, begin: number, end: number): DueMinute[] {
  const matches = cronMatcher(fields);
  const toLocal = localClock(timeZone);
  const seen = new Set<number>();
  const due: DueMinute[] = [];
  for (let at = Math.ceil(begin / MINUTE) * MINUTE; at < end; at += MINUTE) {
    const local = toLocal(at);
    if (!matches(new Date(local)) || seen.has(local)) continue;
    seen.add(local);
    due.push({ at, local });
  }
  return due;
}

/** The duration of each unit of `rate(…)`. */
const UNITS: Readonly<Record<string, number>> = { minute: MINUTE, hour: 60 * MINUTE, day: DAY };

/** The limit of the search: a cron expression that runs less often than yearly is reported as unknown. */
const FURTHEST = 367 * DAY;

/**
 * The next moment after a poll at which EventBridge Scheduler runs an expression, in milliseconds since 1970; undefined if
 * it is unknown.
 * @param last the last run, from which a rate counts
 * @param now the moment after which a cron runs
 */
export function nextRun(
  expression: string,
  timeZone: string,
  last: number | undefined,
  now: number,
): number | undefined {
  const [, number, unit = ''] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression.trim()) ?? [];
  if (number !== undefined) {
    const period = Number(number) * (UNITS[unit] ?? DAY);
    if (last === undefined || period === 0) return undefined;
    return last + Math.max(1, Math.ceil((now - last) / period)) * period;
  }
  const [, fields] = /^cron\((.*)\)$/.exec(expression.trim()) ?? [];
  if (fields === undefined) return undefined;
  for (let begin = now; begin < now + FURTHEST; begin += DAY) {
    const [first] = cronMinutes(fields, timeZone, begin, begin + DAY);
    if (first !== undefined) return first.at;
  }
  return undefined;
}

/** Creates a function that converts a moment to the minute that clocks of a time zone show, as if it were UTC. */
export function localClock(timeZone: string): (at: number) => number {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
  const offsets = new Map<number, number>();
  return (at) => {
    // No time zone changes its clocks within a quarter of an hour of UTC.
    const quarter = Math.floor(at / QUARTER) * QUARTER;
    const offset =
      offsets.get(quarter) ?? Date.parse(`${format.format(quarter).replace(' ', 'T')}Z`) - quarter;
    offsets.set(quarter, offset);
    return Math.floor((at + offset) / MINUTE) * MINUTE;
  };
}

function cronMatcher(fields: string): Matches {
  const [minute, hour, dayOfMonth, month, dayOfWeek, year, ...rest] = fields.trim().split(/\s+/);
  if (year === undefined || rest.length > 0) {
    throw new Error(`cron(${fields}): expected six fields, as in cron(0 6 * * ? *)`);
  }
  const all = [
    field(minute, [0, 59], (local) => local.getUTCMinutes()),
    field(hour, [0, 23], (local) => local.getUTCHours()),
    dayOfMonthField(dayOfMonth),
    field(month, [1, 12], (local) => local.getUTCMonth() + 1, MONTHS),
    dayOfWeekField(dayOfWeek),
    field(year, [1970, 2199], (local) => local.getUTCFullYear()),
  ];
  return (local) => all.every((matches) => matches(local));
}

type Range = readonly [first: number, last: number];

/** Parses a list of `*`, `n`, and `n-m`, each with an optional step. */
function field(
  text = '',
  [first, last]: Range,
  read: (local: Date) => number,
  names: readonly string[] = [],
): Matches {
  const number = (word: string): number => {
    const named = names.indexOf(word.toUpperCase());
    const value = named >= 0 ? named + first : /^\d+$/.test(word) ? Number(word) : Number.NaN;
    if (value >= first && value <= last) return value;
    throw new Error(`cron field "${text}": expected ${first} to ${last}, got "${word}"`);
  };
  const values = new Set<number>();
  for (const part of text.split(',')) {
    const [range = '', step = '1', ...rest] = part.split('/');
    if (rest.length > 0 || !/^[1-9]\d*$/.test(step))
      throw new Error(`cron field "${text}": a step is a number`);
    const [from = '', to] = range === '*' ? [`${first}`, `${last}`] : range.split('-');
    const begin = number(from);
    const end = to === undefined ? (part.includes('/') ? last : begin) : number(to);
    // A range may wrap around: FRI-MON.
    const length = end >= begin ? end - begin : end - begin + (last - first + 1);
    for (let each = 0; each <= length; each += Number(step)) {
      values.add(first + ((begin - first + each) % (last - first + 1)));
    }
  }
  return (local) => values.has(read(local));
}

function dayOfMonthField(text = ''): Matches {
  if (text === '?') return () => true;
  if (text === 'L') return (local) => local.getUTCDate() === lastDay(local);
  const [, weekday] = /^(\d+|L)W$/.exec(text) ?? [];
  if (weekday === undefined) return field(text, [1, 31], (local) => local.getUTCDate());
  return (local) => local.getUTCDate() === nearestWeekday(local, weekday);
}

function dayOfWeekField(text = ''): Matches {
  const range: Range = [1, 7];
  const day = (local: Date): number => local.getUTCDay() + 1;
  if (text === '?') return () => true;
  if (text === 'L') return (local) => day(local) === 7;
  const [, lastOf, nth, place] = /^(\w+)L$|^(\w+)#([1-5])$/.exec(text) ?? [];
  if (lastOf !== undefined) {
    const is = field(lastOf, range, day, WEEKDAYS);
    return (local) => is(local) && local.getUTCDate() > lastDay(local) - 7;
  }
  if (nth === undefined) return field(text, range, day, WEEKDAYS);
  const is = field(nth, range, day, WEEKDAYS);
  return (local) => is(local) && Math.ceil(local.getUTCDate() / 7) === Number(place);
}

function lastDay(local: Date): number {
  return new Date(Date.UTC(local.getUTCFullYear(), local.getUTCMonth() + 1, 0)).getUTCDate();
}

/** The weekday that is nearest to a day of the month, within the month. */
function nearestWeekday(local: Date, day: string): number {
  const last = lastDay(local);
  const wanted = day === 'L' ? last : Math.min(Number(day), last);
  const weekday = new Date(
    Date.UTC(local.getUTCFullYear(), local.getUTCMonth(), 1) + (wanted - 1) * DAY,
  ).getUTCDay();
  if (weekday === 6) return wanted === 1 ? wanted + 2 : wanted - 1;
  if (weekday === 0) return wanted === last ? wanted - 2 : wanted + 1;
  return wanted;
}
