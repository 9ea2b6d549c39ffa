import type { Screen } from '../../screen.ts';
import { table } from '../../table.ts';
import { shortTime } from '../../time.ts';
import type { OutcomeRow } from './result.ts';

/** Formats outcomes for people, as a table. */
export function printRows(rows: readonly OutcomeRow[], { colors, width }: Screen): string {
  const head = ['AT (UTC)', 'POLLS', 'RULE', 'ACCOUNT', 'REGION', 'RESOURCE', 'OUTCOME', 'CHANGES OR REASON'];
  const body = rows.map((row) => [
    shortTime(row.at),
    String(row.polls),
    row.rule,
    row.account,
    row.region,
    row.resource,
    row.outcome === 'failed' ? colors.red(row.outcome) : row.outcome,
    wordsOf(row),
  ]);
  return table(head.map(colors.bold), body, width);
}

function wordsOf({ changes, reason, undo }: OutcomeRow): string {
  const own = changes.length > 0 ? changes : [reason ?? ''];
  return [...own, ...(undo === undefined ? [] : [`(requested by ${undo.by}: ${undo.reason})`])].join('\n');
}
