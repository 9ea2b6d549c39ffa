import { amount, fold } from '../../fold.ts';
import type { Screen } from '../../screen.ts';
import { table } from '../../table.ts';
import type { Coverage, CoveredRule } from './result.ts';

/** Prints the failing rules for people: a table, totals, and what to enable next. */
export function printCoverage(
  { rules, findings, next }: Coverage,
  { colors, width }: Pick<Screen, 'colors' | 'width'>,
): string {
  const head = ['FINDINGS', 'ACCOUNTS', 'SEVERITY', 'REMEDIATED BY', "NETSKOPE'S RULE"].map(colors.bold);
  const rows = rules.map((rule) => [
    String(rule.findings),
    String(rule.accounts),
    rule.severity ?? '-',
    servedBy(rule),
    rule.reason === undefined ? rule.name : `${rule.name}\n(${rule.reason})`,
  ]);
  const { all, enabled, not_enabled, none } = findings;
  return [
    ...(rules.length === 0 ? [] : [table(head, rows, width)]),
    fold(
      `${colors.bold('Findings:')} ${all} failed: ${enabled} of enabled rules, ${not_enabled} of rules that you can enable, ${none} of rules that nothing remediates.`,
      width,
    ),
    ...(next.length === 0 ? [] : [toEnable(next, colors)]),
  ].join('\n\n');
}

function servedBy({ served_by, rule, is_enabled, mode }: CoveredRule): string {
  if (rule === undefined) return served_by;
  const kind = served_by.replace('_', ' ');
  return `${rule} (${kind}, ${is_enabled ? (mode ?? 'settings unusable') : 'not enabled'})`;
}

function toEnable(next: Coverage['next'], colors: Screen['colors']): string {
  const longest = Math.max(...next.map(({ rule }) => rule.length));
  return [
    colors.bold('To enable next, in dry_run first:'),
    '  rules = {',
    ...next.map(({ rule, findings }) => `    ${rule.padEnd(longest)} = {} # ${amount(findings, 'finding')}`),
    '  }',
  ].join('\n');
}
