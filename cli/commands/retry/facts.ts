import type { CommandFacts } from '../../command.ts';

export const retry: CommandFacts = {
  name: 'retry',
  summary:
    'Let the next poll attempt again what has failed, or look at what was fixed and not scanned since.',
  description: [
    'A finding that fails is attempted again after an hour, four hours, and then daily. After you have repaired the cause, this ends the wait: the next poll attempts what failed before now, once.',
    'It asks before it does anything. To have it at once, poll the rule afterwards.',
  ],
  policy: 'operator',
  examples: [
    {
      says: 'One resource:',
      command: 'cspm-remediation retry sg-0123456789abcdef0 --reason "policy repaired"',
    },
    {
      says: 'Whatever failed in an account:',
      command: 'cspm-remediation retry --account 222222222222 --reason "role repaired" --yes',
    },
  ],
  configure: (command) =>
    command
      .argument(
        '[resource]',
        'The id or the ARN of the resource that the finding names. Default: all of the account.',
      )
      .option('--account <id>', 'The account. Default: where findings of the resource are.')
      .option('--reason <text>', 'Why, in words for whoever reads it.', 'repaired')
      .option('--yes', 'Do it without a question.'),
  load: () => import('./retry.ts'),
};
