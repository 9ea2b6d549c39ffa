import type { CommandFacts } from '../../command.ts';

export const outcomes: CommandFacts = {
  name: 'outcomes',
  summary: 'List the outcomes of findings.',
  description: [
    'One row per finding and outcome, in order of time. Consecutive polls with the same outcome and no changes share a row, which shows their number.',
    'It reads the evidence of polls and undos since a given time. With --account, --region and a rule, it reads less and is faster.',
  ],
  policy: 'viewer',
  examples: [
    {
      says: 'Everything that failed within a week:',
      command: 'cspm-remediation outcomes --since 7d --outcome failed',
    },
    {
      says: 'Everything that was changed in an account in the last 24 hours, as JSON:',
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
      .option('--resource <pattern>', 'Only resources with this id; * matches any text.')
      .option('--changed', 'Only outcomes with changes.')
      .option('--all', 'One row per poll, without combining equal ones.'),
  load: () => import('./outcomes.ts'),
};
