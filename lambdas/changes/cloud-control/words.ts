import type { Json } from '../../model/json.ts';

/** Formats a pointer: `PubliclyAccessible`, `VersioningConfiguration.Status`. */
export const wordOf = (pointer: string): string => pointer.slice(1).replaceAll('/', '.');

const MOST_OF_A_VALUE = 80;

/** Formats a property's value in one line. */
export function formatValue(value: Json | undefined): string {
  if (value === undefined) return '(not set)';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > MOST_OF_A_VALUE ? `${text.slice(0, MOST_OF_A_VALUE)}…` : text;
}
