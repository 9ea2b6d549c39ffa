import type { CommandFacts } from '../../command.ts';

export const pause: CommandFacts = {
  name: 'pause',
  summary: 'Stop changes within seconds, in all regions at once.',
  description: [
    'Within five seconds, no further change begins. A call that AWS has already received is not reversed, and a runbook that has started continues. Findings are still read and planned, and are deferred. Undos continue, unless --undo stops them, too.',
    'It does not ask for confirmation, and prints the result for each region. It adds to what is already paused; cspm-remediation resume ends it. Terraform never changes a pause.',
    'Rules and accounts given together are both paused. To stop one rule in one account, use cspm-remediation hold --account … --rule ….',
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
      .argument('[rules...]', 'Pause these rules, by id or legacy id, in all accounts. Default: everything.')
      .option('--account <id...>', 'Pause these accounts, for all rules.')
      .option('--undo', 'Also stop undos; only for all rules and accounts.'),
  load: () => import('./pause.ts'),
};
