import { amount, fold, list } from '../../fold.ts';
import type { Colors, Screen } from '../../screen.ts';
import type { Plan, Planned } from './result.ts';

/** Counts the planned changes. */
export function countsOf(findings: readonly Planned[]): Plan['counts'] {
  const planned = findings.filter(isChanged);
  const outcomes: Plan['counts']['outcomes'] = {};
  for (const { outcome } of findings) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  return {
    resources: planned.length,
    changes: planned.reduce((sum, { changes }) => sum + changes.length, 0),
    accounts: new Set(planned.map(({ account }) => account)).size,
    outcomes,
  };
}

function isChanged({ outcome }: Pick<Planned, 'outcome'>): boolean {
  return outcome === 'planned';
}

/**
 * Formats a plan for people, by account and region, like terraform plan.
 * @param isAll whether to also show what would not be changed
 */
export function printPlan(plan: Plan, screen: Pick<Screen, 'colors' | 'width'>, isAll: boolean): string {
  const { polls, findings, counts } = plan;
  const { colors, width } = screen;
  const shown = findings.filter((each) => isAll || isChanged(each) || each.outcome === 'failed');
  const places = new Map<string, Planned[]>();
  for (const finding of shown) {
    const { account, account_name: name, region } = finding;
    const title = `${account}${name === undefined ? '' : ` (${name})`}, ${region}`;
    places.set(title, [...(places.get(title) ?? []), finding]);
  }
  const problems = polls.flatMap(({ rule, problem, without_outcome: missing = 0 }) => [
    ...(problem === undefined ? [] : [`${rule}: ${problem}`]),
    ...(missing === 0 ? [] : [`${rule}: ${amount(missing, 'finding')} without an outcome yet`]),
  ]);
  return [
    ...[...places].map(([title, of]) =>
      [colors.bold(title), ...of.map((each) => printFinding(each, screen))].join('\n\n'),
    ),
    ...list(colors.red('INCOMPLETE'), problems, width),
    summaryOf(counts, problems.length > 0, colors),
  ].join('\n\n');
}

function printFinding(finding: Planned, { colors, width }: Pick<Screen, 'colors' | 'width'>): string {
  const { rule, resource, outcome, reason, mode_now: mode, changes } = finding;
  const now = mode === undefined ? '' : ` (now ${mode})`;
  const head = isChanged(finding)
    ? `# ${resource}: ${rule} would change it${now}`
    : `# ${resource}: ${rule}: ${outcome}${reason === undefined ? '' : `: ${reason}`}`;
  const lines = [
    fold(head, width, 2, 4),
    ...changes.map((line) => colored(fold(line, width, 6, 8), line, colors)),
    ...(isChanged(finding) && reason !== undefined ? [fold(reason, width, 6, 6)] : []),
  ];
  return lines.join('\n');
}

/** Colors a line as Terraform does: green for additions, red for removals, yellow for changes. */
function colored(text: string, line: string, colors: Colors): string {
  if (line.startsWith('+')) return colors.green(text);
  if (line.startsWith('-')) return colors.red(text);
  return line.startsWith('~') ? colors.yellow(text) : text;
}

function summaryOf(
  { resources, changes, accounts, outcomes }: Plan['counts'],
  isIncomplete: boolean,
  colors: Colors,
): string {
  const others = Object.entries(outcomes)
    .filter(([outcome]) => outcome !== 'planned')
    .map(([outcome, number]) => `${number} ${outcome}`);
  const rest = others.length === 0 ? '' : ` Not changed: ${others.join(', ')}.`;
  if (resources === 0) {
    const why = others.length === 0 && !isIncomplete ? ': there are no findings' : '';
    return `${colors.bold('Plan:')} enforcement would change nothing${why}.${rest}`;
  }
  return `${colors.bold('Plan:')} ${amount(changes, 'change')} to ${amount(resources, 'resource')} in ${amount(accounts, 'account')}.${rest}`;
}
