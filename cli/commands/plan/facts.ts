import type { CommandFacts } from '../../command.ts';

export const plan: CommandFacts = {
  name: 'plan',
  summary: 'Show what enforcement would change, in the whole organization.',
  description: [
    'It asks Netskope for findings now, reads each resource, and prints the changes that enforcement would make, as terraform plan would: by account and region, with counts at the end. Nothing is changed, nobody is notified, and nothing is remembered of findings; the plan is kept as evidence, below plans/.',
    'Findings that wait after a failure, or for a scan, are planned, too. Where a rule is off, it stays off. Limits, holds, pauses and maintenance windows are left out: cspm-remediation explain says what stands against a change.',
  ],
  policy: 'operator',
  examples: [
    { says: 'All rules:', command: 'cspm-remediation plan' },
    {
      says: 'One rule in one account:',
      command: 'cspm-remediation plan s3-bucket-public --account 222222222222',
    },
  ],
  configure: (command) =>
    command
      .argument('[rule]', 'The rule, by its id or its legacy id. Default: all that are polled.')
      .option('--account <id>', 'Show only this account.')
      .option('--all', 'Show also what would not be changed, and why.')
      .option('--timeout <duration>', 'How long to wait at most, such as 30m or 2h.', '30m'),
  load: () => import('./plan.ts'),
};
