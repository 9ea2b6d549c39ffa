import { z } from 'zod';

const MILLISECONDS: Readonly<Record<string, number>> = {
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};

/** A duration: `30m`, in milliseconds. */
export const durationSchema = z.string().transform((text, context): number => {
  const milliseconds = durationOf(text);
  if (milliseconds !== undefined) return milliseconds;
  context.addIssue({
    code: 'custom',
    message: `expected a duration such as 30m or 2h, got ${text.slice(0, 40)}`,
  });
  return z.NEVER;
});

function durationOf(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d+)([mhdw])$/.exec(text.trim()) ?? [];
  return number === undefined ? undefined : Number(number) * (MILLISECONDS[unit] ?? 0);
}

/** The most recent moment with this time of day in UTC. */
function timeOfDay(now: Date, hours: number, minutes: number): Date {
  const today = new Date(now);
  today.setUTCHours(hours, minutes, 0, 0);
  return today <= now ? today : new Date(today.getTime() - 86_400_000);
}

const EXPECTED =
  'expected a duration such as 30m, 24h or 7d, a time of day in UTC such as 14:00, a day such as 2026-11-24, or a time such as 2026-11-24T10:00:00Z';

/** Parses a moment in the past: a duration before now, a time of day or a day (UTC), or a time. */
export function sinceSchema(now: Date) {
  return z.string().transform((text, context): Date => {
    const duration = durationOf(text);
    // A time before 1970 is a typing error, and ids of polls cannot represent it.
    if (duration !== undefined && duration <= now.getTime()) return new Date(now.getTime() - duration);
    const [, hours, minutes] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text.trim()) ?? [];
    if (hours !== undefined) return timeOfDay(now, Number(hours), Number(minutes));
    const isMoment =
      z.iso.date().safeParse(text).success || z.iso.datetime({ offset: true }).safeParse(text).success;
    const isFuture = isMoment && Date.parse(text) > now.getTime();
    if (isMoment && !isFuture && Date.parse(text) >= 0) return new Date(text);
    const message = isFuture
      ? `${text} is in the future: expected a time in the past`
      : `${EXPECTED}, got ${text.slice(0, 40)}`;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });
}

/** Formats a moment for people: `2026-11-24 10:05`, in UTC. */
export function shortTime(moment: string | number | Date): string {
  return new Date(moment).toISOString().slice(0, 16).replace('T', ' ');
}

/** Formats a duration roughly: `3 d`, `5 h`, `12 min`. */
export function shortDuration(milliseconds: number): string {
  const minutes = Math.max(0, Math.round(milliseconds / 60_000));
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} d`;
}
