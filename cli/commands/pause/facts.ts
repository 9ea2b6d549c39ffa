import type { CommandFacts } from '../../command.ts';

export const pause: CommandFacts = {
  name: 'pause',
  summary: 'Stop changes within seconds, in all regions at once.',
  description: [
    'Within five seconds nothing further is changed; a call that AWS has been asked for is not called back. Findings go on to be read and planned, and end as deferred. Undo goes on, unless --undo stops it, too.',
    'It asks nothing, and says what each region answered. It adds to what is paused already; cspm-remediation resume ends it. Terraform leaves the pause alone.',
  ],
  policy: 'operator',
  examples: [
    { says: 'Everything, everywhere:', command: 'cspm-remediation pause' },
    { says: 'Two rules:', command: 'cspm-remediation pause security-group-ssh-open s3-bucket-public' },
    {
      says: 'One account, in one region:',
      command: 'cspm-remediation pause --account 222222222222 --region us-east-1',
    },
  ],
  configure: (command) =>
    command
      .argument('[rules...]', 'Only these rules, by id or legacy id. Default: all.')
      .option('--account <id...>', 'Only these accounts.')
      .option('--undo', 'Stop undo as well; for all rules and accounts only.'),
  load: () => import('./pause.ts'),
};
