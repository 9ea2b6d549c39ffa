import wrapAnsi from 'wrap-ansi';

/**
 * Folds a text into lines.
 * @param width columns; undefined: the text stays on one line
 * @param indent spaces before its first line
 * @param hang spaces before its other lines
 */
export function fold(text: string, width: number | undefined, indent = 0, hang = indent): string {
  if (width === undefined) return `${' '.repeat(indent)}${text}`;
  const room = Math.max(20, width - Math.max(indent, hang));
  return wrapAnsi(text, room)
    .split('\n')
    .map((line, index) => `${' '.repeat(index === 0 ? indent : hang)}${line}`.trimEnd())
    .join('\n');
}

/** Formats a title with a list of points; empty if there are none. */
export function list(title: string, points: readonly string[], width: number | undefined): string[] {
  if (points.length === 0) return [];
  return [[title, ...points.map((point) => fold(`- ${point}`, width, 0, 2))].join('\n')];
}

/** Formats a number with a noun: `1 change`, `2 changes`. */
export function amount(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
