import { timestampSchema } from '../../model/finding.ts';

/**
 * Converts Netskope's times (`2020-02-12 02:30:17AM`) to ISO 8601 (`2020-02-12T02:30:17Z`). They contain no time zone
 * and are read as GMT, which the reference documents for `as_of`.
 * @returns undefined for any other text
 */
export function parseNetskopeTime(text: string): string | undefined {
  const match = /^(\d{4}-\d{2}-\d{2}) (\d{2}):(\d{2}:\d{2}) ?([AP])M$/i.exec(text.trim());
  if (match === null) return undefined;
  const [, date, hourText, minutesAndSeconds, half] = match;
  const hour = Number(hourText);
  if (hour < 1 || hour > 12) return undefined;
  const hourOfDay = (hour % 12) + (half?.toUpperCase() === 'P' ? 12 : 0);
  const iso = `${date}T${String(hourOfDay).padStart(2, '0')}:${minutesAndSeconds}Z`;
  // The finding must match this schema, which rejects 30 February; Date.parse would accept it as 1 March.
  return timestampSchema.safeParse(iso).success ? iso : undefined;
}
