import type { CommandFacts } from '../../command.ts';

export const explain: CommandFacts = {
  name: 'explain',
  summary: 'Explain a finding or a resource: what is known, what was changed, and what happens next.',
  description: [
    'For each finding of the resource: what Netskope reports, which settings apply and where each comes from, its outcomes so far, with each change, its AWS request ids and its evidence, what prevents a change now, and what the next poll will do, and when.',
    'If a resource was never changed, it says so, with the names of the sessions to look for in CloudTrail.',
  ],
  policy: 'viewer',
  examples: [
    { says: 'By the id that Netskope reports:', command: 'cspm-remediation explain sg-0123456789abcdef0' },
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
        'The id of a resource as in findings, its ARN, or a finding as rule#account#region#resource.',
      )
      .option('--rule <id>', 'Only the finding of this rule.')
      .option('--account <id>', 'The account that the resource is in. Default: all accounts are searched.'),
  load: () => import('./explain.ts'),
};
