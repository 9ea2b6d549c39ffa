import type { CommandFacts } from '../../command.ts';

export const status: CommandFacts = {
  name: 'status',
  summary: 'Show what each rule is doing, and what prevents changes.',
  description: [
    'For each rule: its mode, its last complete poll, the findings of that poll by outcome, the one that has failed longest, how many changes count toward its limit, and what prevents changes: open breakers, holds, pauses, and alarms of the rule.',
    'For each region: its pause, and the jobs and dead letters in its queues. Then all holds, and the active alarms. Dead letters and most alarms belong to a region, not to a rule.',
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
