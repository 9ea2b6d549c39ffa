import type { CommandFacts } from '../../command.ts';

export const poll: CommandFacts = {
  name: 'poll',
  summary: 'Query Netskope now, and process the findings as in any poll.',
  description: [
    'The findings go to the regions as jobs; settings, holds, limits and pauses apply as always. The command ends when the jobs are sent; with --wait, when all findings have outcomes, which it lists.',
    'If the last jobs of an account and region are still pending, their findings are left to the next poll.',
  ],
  policy: 'operator',
  examples: [
    { says: 'One rule, with its outcomes:', command: 'cspm-remediation poll security-group-ssh-open --wait' },
    { says: 'All rules:', command: 'cspm-remediation poll' },
  ],
  configure: (command) =>
    command
      .argument('[rule]', 'The rule, by its id or its legacy id. Default: all rules that are not off.')
      .option('--wait', 'Wait until all findings have outcomes, and list them.')
      .option('--timeout <duration>', 'With --wait: the longest time to wait, such as 30m or 2h.', '30m'),
  load: () => import('./poll.ts'),
};
