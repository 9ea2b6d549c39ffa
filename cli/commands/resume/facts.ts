import type { CommandFacts } from '../../command.ts';

export const resume: CommandFacts = {
  name: 'resume',
  summary: 'End a pause in all regions, or close the breaker of a rule.',
  description: [
    'Without an option, it ends all that is paused. With rules or accounts, it takes these out of the pause and leaves the rest. The next poll changes what was deferred.',
    'With --breaker, a rule whose breaker opened in an account may change things there again: what went wrong before no longer counts. Repair the cause first.',
  ],
  policy: 'operator',
  examples: [
    { says: 'Everything, everywhere:', command: 'cspm-remediation resume' },
    { says: 'One rule:', command: 'cspm-remediation resume s3-bucket-public' },
    {
      says: 'A rule whose breaker is open:',
      command:
        'cspm-remediation resume --breaker security-group-ssh-open --account 222222222222 --reason "the role may modify rules now"',
    },
  ],
  configure: (command) =>
    command
      .argument('[rules...]', 'Only these rules, by id or legacy id. Default: all.')
      .option('--account <id...>', 'Only these accounts.')
      .option('--breaker <rule>', 'Close the breaker of this rule in the accounts that --account names.')
      .option('--reason <text>', 'With --breaker: why, in words for whoever reads it.', 'repaired'),
  load: () => import('./resume.ts'),
};
