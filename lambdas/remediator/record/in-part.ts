/** Suffix of the line of a change that was made in part. */
export const IN_PART = ' (in part)';

/** Removes the suffix that marks a change as made in part. */
export function wholeLine(line: string): string {
  return line.endsWith(IN_PART) ? line.slice(0, -IN_PART.length) : line;
}
