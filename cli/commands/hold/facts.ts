import type { CommandFacts } from '../../command.ts';

export const hold: CommandFacts = {
  name: 'hold',
  summary: 'Keep the remediators away from a resource, a region of an account, or an account.',
  description: [
    'Within seconds nothing further is changed there: findings end as deferred, and say who holds them and why. A change that is being made is made to its end. Dry runs go on, and so does undo.',
    'The resource is the one that would be changed, a snapshot for instance, or the one that the finding names. It shows what is held now and asks before it does anything.',
  ],
  policy: 'operator',
  examples: [
    {
      says: 'One resource, until the end of a day:',
      command: 'cspm-remediation hold sg-0123456789abcdef0 --reason "incident 4711" --until 2027-06-30',
    },
    {
      says: 'An account, for one rule:',
      command:
        'cspm-remediation hold --account 222222222222 --rule s3-bucket-public --reason "migration" --yes',
    },
  ],
  configure: (command) =>
    command
      .argument('[resource]', 'The id or the ARN of a resource. Default: everything in the account.')
      .option('--account <id>', 'The account. Default: where findings of the resource are.')
      .option('--rule <id>', 'Hold it for this rule only. Default: for all rules.')
      .requiredOption('--reason <text>', 'Why, in words for whoever meets the hold.')
      .option(
        '--until <day>',
        'The last day, in UTC, on which it counts: 2027-06-30. Default: until it is lifted.',
      )
      .option('--yes', 'Do it without a question.'),
  load: () => import('./hold.ts'),
};
