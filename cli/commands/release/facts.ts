import type { CommandFacts } from '../../command.ts';

export const release: CommandFacts = {
  name: 'release',
  summary: 'Release a hold.',
  description: [
    'The next poll continues with what was held. Specify the same resource, account, region and rule as for the hold; cspm-remediation status lists all holds.',
  ],
  policy: 'operator',
  examples: [
    { says: 'One resource:', command: 'cspm-remediation release sg-0123456789abcdef0' },
    {
      says: 'An account, for one rule:',
      command: 'cspm-remediation release --account 222222222222 --rule s3-bucket-public',
    },
  ],
  configure: (command) =>
    command
      .argument('[resource]', 'The id or the ARN of the resource. Default: everything in the account.')
      .option('--account <id>', 'The account. Default: the account of its findings.')
      .option('--rule <id>', 'The rule of the hold. Default: all rules.')
      .option('--yes', 'Do not ask for confirmation.'),
  load: () => import('./release.ts'),
};
