import { stripVTControlCharacters } from 'node:util';
import Table from 'cli-table3';
import wrapAnsi from 'wrap-ansi';
import { fold } from './fold.ts';

/** Spaces alone between the columns, so that rows can be cut and compared. */
const NO_LINES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};
const GAP = NO_LINES.middle.length;
/** The minimum width of the last column, which gets the rest of the width. With less, it is printed below its row. */
const LEAST = 40;
const BELOW = 4;

/**
 * Rows under a head, in columns.
 * @param width columns of the terminal, into which the last column is folded, below its row where little room is left;
 * undefined: nothing is folded
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  width: number | undefined,
): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => lengthOf(row[column] ?? ''))));
  const last = widths.at(-1) ?? 0;
  const before = widths.slice(0, -1).reduce((sum, each) => sum + each + GAP, 0);
  const left = width === undefined ? last : width - before - 1;
  if (width !== undefined && left < Math.min(last, LEAST))
    return withLastBelow(all, widths.slice(0, -1), width);
  const room = Math.min(last, left);
  // Words that are longer than that would be cut by the library.
  const folded = all.map((row) => [...row.slice(0, -1), wrapAnsi(row.at(-1) ?? '', room, { hard: true })]);
  return columns(folded, [...widths.slice(0, -1), room]);
}

/**
 * Rows without their last cell, which is printed below, folded.
 * @param widths those of the other columns
 */
function withLastBelow(
  all: readonly (readonly string[])[],
  widths: readonly number[],
  width: number,
): string {
  return all
    .flatMap((row) => {
      const below = (row.at(-1) ?? '').split('\n').filter((line) => line !== '');
      return [columns([row.slice(0, -1)], widths), ...below.map((line) => fold(line, width, BELOW))];
    })
    .join('\n');
}

function columns(rows: readonly (readonly string[])[], widths: readonly number[]): string {
  const made = new Table({
    chars: NO_LINES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    colWidths: widths.map((each) => Math.max(1, each)),
    wordWrap: true,
    wrapOnWordBoundary: true,
  });
  made.push(...rows.map((row) => widths.map((_, column) => row[column] ?? '')));
  return made
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

function lengthOf(text: string): number {
  return Math.max(
    0,
    ...stripVTControlCharacters(text)
      .split('\n')
      .map(({ length }) => length),
  );
}
