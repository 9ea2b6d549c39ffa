import type { CommandFacts } from '../../command.ts';

export const explain: CommandFacts = {
  name: 'explain',
  summary: 'Say everything that is known of a finding or a resource, and what will be done about it.',
  description: [
    'For each finding of the resource: what Netskope says of it, which settings hold and where each comes from, its outcomes so far, with each change, its AWS request ids and its evidence, what stands against a change now, and what the next poll will do, and when.',
    'Of a resource that was never touched it says so, with the names of the sessions to look for in CloudTrail if you want to make sure.',
  ],
  policy: 'viewer',
  examples: [
    { says: 'By the id that Netskope names:', command: 'cspm-remediation explain sg-0123456789abcdef0' },
    { says: 'By an ARN:', command: 'cspm-remediation explain arn:aws:s3:::website-222222222222' },
    {
      says: 'One finding alone:',
      command:
        'cspm-remediation explain security-group-ssh-open#222222222222#eu-central-1#sg-0123456789abcdef0',
    },
  ],
  configure: (command) =>
    command
      .argument(
        '<finding>',
        'The id of a resource as findings have it, its ARN, or a finding as rule#account#region#resource.',
      )
      .option('--rule <id>', 'Only the finding of this rule.')
      .option('--account <id>', 'The account that the resource is in. Default: it is looked for in all.'),
  load: () => import('./explain.ts'),
};
