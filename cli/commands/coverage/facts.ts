import type { CommandFacts } from '../../command.ts';

export const coverage: CommandFacts = {
  name: 'coverage',
  summary: "List the tenant's failed rules, what remediates each, and what to enable next.",
  description: [
    'The collector queries Netskope for all failed findings in AWS, except muted ones, and counts them by rule. For each rule, the list shows how many findings fail, in how many accounts, and what remediates it: a built-in rule, a library rule, a custom rule, or nothing, with the reason.',
    'The list ends with the disabled rules that would remediate the most findings, ready to paste into `rules`. Enable them in dry_run first: cspm-remediation plan shows what they would change.',
  ],
  policy: 'operator',
  examples: [
    { says: 'Everything that fails:', command: 'cspm-remediation coverage' },
    { says: 'Only what no enabled rule remediates:', command: 'cspm-remediation coverage --missing' },
  ],
  configure: (command) =>
    command.option('--missing', 'List only the Netskope rules that no enabled rule remediates.'),
  load: () => import('./coverage.ts'),
};
