import { countsOf, printPlan } from '../cli/commands/plan/print.ts';
import type { Colors } from '../cli/screen.ts';
import type { Outcome } from '../lambdas/model/outcome.ts';

/** Rows in columns, each as wide as its widest cell; the last is not padded. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ');
  return [line(head), widths.map((width) => '-'.repeat(Math.min(width, 60))).join('  '), ...rows.map(line)];
}

const WIDTH = 120;

type Placed = Pick<Outcome['finding'], 'account' | 'region' | 'rule' | 'resource'>;

const keyOf = ({ account, region, rule, resource }: Placed): string =>
  [account, region, rule, resource].join(' ');

function byPlace(a: Outcome, b: Outcome): number {
  const key = ({ finding }: Outcome) =>
    [finding.rule, finding.account, finding.region, finding.resource].join(' ');
  return key(a).localeCompare(key(b));
}

/** Prints a dry run as `cspm-remediation plan` does: by account and region, long lines folded, counts at the end. */
export function planLines(outcomes: readonly Outcome[], colors: Colors): string[] {
  const findings = outcomes
    .map(({ finding, outcome, reason, plan }) => ({
      rule: finding.rule,
      account: finding.account,
      account_name: finding.accountName,
      region: finding.region,
      resource: finding.resource,
      outcome,
      reason,
      changes: plan.map(({ line }) => line),
      evidence: '',
    }))
    .sort((one, other) => keyOf(one).localeCompare(keyOf(other)));
  const plan = { polls: [], findings, counts: countsOf(findings) };
  return printPlan(plan, { colors, width: WIDTH }, true).split('\n');
}

/** Prints the outcome of each finding: one row, and a further one for each further change. */
export function outcomeTable(outcomes: readonly Outcome[]): string[] {
  const rows = [...outcomes]
    .sort(byPlace)
    .flatMap(({ finding, outcome, reason, applied, startedAt, finishedAt }) => {
      const seconds = ((Date.parse(finishedAt) - Date.parse(startedAt)) / 1000).toFixed(1);
      const [first = reason ?? '', ...others] = applied.map(({ line }) => line);
      return [
        [finding.rule, finding.account, finding.region, finding.resource, outcome, `${seconds} s`, first],
        ...others.map((line) => ['', '', '', '', '', '', line]),
      ];
    });
  return table(
    ['rule', 'account', 'region', 'resource', 'outcome', 'took', 'what was changed, or why not'],
    rows,
  );
}
