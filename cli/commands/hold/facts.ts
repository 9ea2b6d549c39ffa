import type { CommandFacts } from '../../command.ts';

export const hold: CommandFacts = {
  name: 'hold',
  summary: 'Keep the remediators away from a resource, a region of an account, or an account.',
  description: [
    'Within five seconds, no further change begins there: findings are deferred, and the reason says who holds them and why. A call that AWS has already received is completed; a change that consists of several calls stops between them, and continues after the release. Dry runs and undos continue.',
    'The resource is the one that would be changed, such as a snapshot, or the one that the finding names. The command shows existing holds, and asks for confirmation.',
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
      .option('--account <id>', 'The account. Default: the account of its findings.')
      .option('--rule <id>', 'Hold it for this rule only. Default: for all rules.')
      .requiredOption('--reason <text>', 'The reason, for others to read.')
      .option('--until <day>', 'The last day, in UTC, such as 2027-06-30. Default: until it is released.')
      .option('--yes', 'Do not ask for confirmation.'),
  load: () => import('./hold.ts'),
};
