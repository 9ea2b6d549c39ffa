import { countsOf, printPlan } from '../cli/commands/plan/print.ts';
import type { Colors } from '../cli/screen.ts';
import { table as foldedTable } from '../cli/table.ts';
import type { Outcome } from '../lambdas/model/outcome.ts';
import type { Made } from './organization.ts';

/** Formats rows in columns, each as wide as its widest cell. The last one is not padded. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ');
  return [line(head), widths.map((width) => '-'.repeat(Math.min(width, 60))).join('  '), ...rows.map(line)];
}

/** The maximum width of the output, in columns. */
export const WIDTH = 120;

/** Counts equal texts, in the order of their first occurrence. */
function counted(texts: readonly string[]): [text: string, count: number][] {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts];
}

/** Lists the violations that were created, one line per kind. */
export function madeLines(made: readonly Made[]): string[] {
  const wrong = made.filter(({ expected }) => expected !== 'fine').map(({ what }) => what);
  return counted(wrong).map(([what, count]) => `${String(count).padStart(2)} × ${what}`);
}

/** An account and a region of findings. */
interface Place {
  readonly account: string;
  readonly region: string;
}

type Placed = Pick<Outcome['finding'], 'account' | 'region' | 'rule' | 'resource'>;

const keyOf = ({ account, region, rule, resource }: Placed): string =>
  [account, region, rule, resource].join(' ');

/**
 * Formats a dry run as `cspm-remediation plan` does, with folded lines, and counts at the end.
 * @param shown the place of which one finding per rule is shown. The findings of other places are only counted
 */
export function planLines(outcomes: readonly Outcome[], shown: Place, colors: Colors): string[] {
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
  const here = findings.filter(({ account, region }) => account === shown.account && region === shown.region);
  const first = here.filter(({ rule }, index) => here.findIndex((each) => each.rule === rule) === index);
  const others = findings.filter((each) => !first.includes(each));
  const places = new Set(others.map(({ account, region }) => `${account} ${region}`));
  const rows = [...places].map((place) => {
    const counts = countsOf(others.filter(({ account, region }) => `${account} ${region}` === place));
    return [...place.split(' '), String(counts.resources), String(counts.changes)];
  });
  const plan = { polls: [], findings: first, counts: countsOf(findings) };
  const [whole = '', counts = ''] = splitLast(printPlan(plan, { colors, width: WIDTH }, true));
  return [
    ...whole.split('\n'),
    '',
    ...table(['and similarly in', 'region', 'resources', 'changes'], rows),
    '',
    ...counts.split('\n'),
  ];
}

/** Splits a text before its last paragraph. */
function splitLast(text: string): [string, string] {
  const at = text.lastIndexOf('\n\n');
  return [text.slice(0, at), text.slice(at + 2)];
}

/** Formats the changes of each rule, and its findings by outcome, with a column per account. */
export function outcomeTable(outcomes: readonly Outcome[]): string[] {
  const accounts = new Map(outcomes.map(({ finding }) => [finding.account, finding.accountName ?? '']));
  const rules = [...new Set(outcomes.map(({ finding }) => finding.rule))].sort();
  const rows = rules.map((rule) => {
    const here = outcomes.filter(({ finding }) => finding.rule === rule);
    const cells = [...accounts.keys()].map((account) => {
      const words = here.filter(({ finding }) => finding.account === account).map(({ outcome }) => outcome);
      return counted(words)
        .map(([word, count]) => `${count} ${word}`)
        .join(', ');
    });
    return [rule, String(here.reduce((sum, { applied }) => sum + applied.length, 0)), ...cells];
  });
  return table(['rule', 'changes', ...[...accounts].map(([account, name]) => `${account} ${name}`)], rows);
}

/** The maximum number of outcomes that are shown individually. */
const MOST_OUTCOMES = 4;

/** Formats the first outcomes of one rule in one place individually. */
export function outcomeLines(
  outcomes: readonly Outcome[],
  rule: string,
  { account, region }: Place,
): string[] {
  const here = outcomes
    .map(({ finding, outcome, reason = '', applied }) => ({ finding, outcome, reason, applied }))
    .filter(
      ({ finding }) => finding.rule === rule && finding.account === account && finding.region === region,
    );
  const rows = here
    .slice(0, MOST_OUTCOMES)
    .map(({ finding, outcome, reason, applied }) => [
      finding.resource,
      outcome,
      applied.length > 0 ? applied.map(({ line }) => line).join('\n') : reason,
    ]);
  const head = [`${rule} in ${region}`, 'outcome', 'what was changed, or why not'];
  const left = here.length - rows.length;
  return [...foldedTable(head, rows, WIDTH).split('\n'), ...(left > 0 ? [`… and ${left} more`] : [])];
}
