import type { CommandFacts } from '../../command.ts';

export const outcomes: CommandFacts = {
  name: 'outcomes',
  summary: 'List the outcomes of findings.',
  description: [
    'One row per finding and outcome: polls in a row with the same outcome, at which nothing was changed, are one row, which says how many there were. The rows are in the order of time.',
    'It reads the evidence of the polls, and of the undos, since a moment. With --account, --region and a rule it reads less, and is faster.',
  ],
  policy: 'viewer',
  examples: [
    {
      says: 'All that failed within a week:',
      command: 'cspm-remediation outcomes --since 7d --outcome failed',
    },
    {
      says: 'All that was changed in an account today, for a machine:',
      command: 'cspm-remediation outcomes --account 222222222222 --changed --json',
    },
  ],
  configure: (command) =>
    command
      .option(
        '--since <time>',
        'How far back: 30m, 24h, 7d, a day such as 2026-11-24, or a time such as 2026-11-24T10:00:00Z.',
        '24h',
      )
      .option('--rule <id>', 'Only this rule, by its id or its legacy id.')
      .option('--account <id>', 'Only this account.')
      .option('--outcome <name...>', 'Only these outcomes.')
      .option('--resource <pattern>', 'Only resources of this id; * stands for any text.')
      .option('--changed', 'Only outcomes with changes that were made.')
      .option('--all', 'One row per poll: nothing is put together.'),
  load: () => import('./outcomes.ts'),
};
