import type { CommandFacts } from '../../command.ts';

export const explain: CommandFacts = {
  name: 'explain',
  summary: 'Explain a finding or a resource: what is known, what was changed, and what happens next.',
  description: [
    'For each finding of the resource, it shows what Netskope reports, which settings apply and where each comes from, and the outcomes so far, with each change, its AWS request ids, and its evidence. It also shows what prevents a change now, and what the next poll will do, and when.',
    'If this deployment never changed the resource, it says so, and names the sessions to look for in CloudTrail.',
  ],
  policy: 'viewer',
  examples: [
    { says: 'By the id that Netskope reports:', command: 'cspm-remediation explain sg-0123456789abcdef0' },
    { says: 'By an ARN:', command: 'cspm-remediation explain arn:aws:s3:::website-222222222222' },
    {
      says: 'A single finding:',
      command:
        'cspm-remediation explain security-group-ssh-open#222222222222#eu-central-1#sg-0123456789abcdef0',
    },
  ],
  configure: (command) =>
    command
      .argument(
        '<finding>',
        'The id of a resource as Netskope reports it, its ARN, or a finding as rule#account#region#resource.',
      )
      .option('--rule <id>', 'Only the finding of this rule.')
      .option('--account <id>', 'The account of the resource. Default: all accounts are searched.'),
  load: () => import('./explain.ts'),
};
