import type { CommandFacts } from '../../command.ts';

export const plan: CommandFacts = {
  name: 'plan',
  summary: 'Show what enforcement would change, in the whole organization.',
  description: [
    'It queries Netskope now, reads each resource, and prints the changes that enforcement would make, by account and region, with counts at the end. It changes nothing, notifies nobody, and does not affect the state of findings. The plan is stored as evidence, under plans/.',
    'Findings that wait after a failure or for a scan are planned, too. A rule that is off stays off. Limits, holds, pauses and maintenance windows are ignored: cspm-remediation explain says what prevents a change.',
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
      .argument('[rule]', 'The rule, by its id or its legacy id. Default: all rules that are not off.')
      .option('--account <id>', 'Show only this account.')
      .option('--all', 'Also show what would not be changed, and why.')
      .option('--timeout <duration>', 'The longest time to wait, such as 30m or 2h.', '30m'),
  load: () => import('./plan.ts'),
};
