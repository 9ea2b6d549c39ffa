import type { CommandFacts } from '../../command.ts';

export const resume: CommandFacts = {
  name: 'resume',
  summary: 'End a pause in all regions, or close the breaker of a rule.',
  description: [
    'Without options, it ends the whole pause. With rules or accounts, it removes only those from the pause; while everything is paused, that changes nothing. The next poll processes what was deferred.',
    'With --breaker, a rule whose breaker opened in an account can change resources there again: earlier failures no longer count. Fix the cause first.',
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
      .argument(
        '[rules...]',
        'Remove these rules from the pause, by id or legacy id. Default: end the whole pause.',
      )
      .option(
        '--account <id...>',
        'Remove these accounts from the pause; with --breaker: the accounts in which to close it.',
      )
      .option('--breaker <rule>', 'Close the breaker of this rule in the accounts that --account names.')
      .option('--reason <text>', 'With --breaker: the reason, for others to read.', 'repaired'),
  load: () => import('./resume.ts'),
};
