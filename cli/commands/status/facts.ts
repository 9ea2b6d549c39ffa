import type { CommandFacts } from '../../command.ts';

export const status: CommandFacts = {
  name: 'status',
  summary: 'Show what each rule does now, and what holds it up.',
  description: [
    'For each rule: its mode, its last complete poll, the findings of that poll by outcome, the one that has failed longest, how many changes of the last hour its limit counts, and what holds it up: open breakers, holds, pauses, alarms of its own.',
    'For each region: its pause, and the jobs and dead letters in its queues. Then holds, whoever wrote them, and alarms that are in ALARM. Dead letters and most alarms are of a region and not of a rule.',
  ],
  policy: 'viewer',
  examples: [
    { says: 'The whole deployment:', command: 'cspm-remediation status' },
    {
      says: 'One account, in one region:',
      command: 'cspm-remediation status --account 222222222222 --region us-east-1',
    },
  ],
  configure: (command) =>
    command
      .argument('[rule]', 'Only this rule, by its id or its legacy id.')
      .option('--account <id>', 'Only this account.'),
  load: () => import('./status.ts'),
};
