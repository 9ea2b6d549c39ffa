import type { CommandFacts } from '../../command.ts';

export const retry: CommandFacts = {
  name: 'retry',
  summary: 'Let the next poll attempt failed findings again, or check fixed ones before the next scan.',
  description: [
    'A failed finding is attempted again after one hour, then after four hours, and then daily. After you have fixed the cause, this command ends the wait: the next poll attempts everything that has failed until now, once.',
    'It asks for confirmation first. For an immediate attempt, poll the rule afterwards.',
  ],
  policy: 'operator',
  examples: [
    {
      says: 'One resource:',
      command: 'cspm-remediation retry sg-0123456789abcdef0 --reason "policy repaired"',
    },
    {
      says: 'Everything that failed in an account:',
      command: 'cspm-remediation retry --account 222222222222 --reason "role repaired" --yes',
    },
  ],
  configure: (command) =>
    command
      .argument(
        '[resource]',
        'The id or the ARN of the resource that the finding names. Default: all findings of the account.',
      )
      .option('--account <id>', 'The account. Default: the account of its findings.')
      .option('--reason <text>', 'The reason, for others to read.', 'repaired')
      .option('--yes', 'Do not ask for confirmation.'),
  load: () => import('./retry.ts'),
};
