import type { CommandFacts } from '../../command.ts';

export const undo: CommandFacts = {
  name: 'undo',
  summary: 'Restore what fixes changed.',
  description: [
    'It prints what would be restored, and what cannot be, and asks for confirmation. Then it holds the resources, so that no poll fixes them again, submits the request, and waits for the result. A remediator usually begins within a minute, regardless of queued jobs, pauses, maintenance windows, and limits; docs/operations.md says what can delay it.',
    'A resource that someone has changed since is not restored: the result says what differs, and who changed it, if known. --force undoes the rest of the fix. Fixes are undone newest first; to undo an older fix of a resource, undo the newer ones, too (--with-newer). An undo cannot be undone: release the hold, and the next poll at which Netskope reports the finding fixes the resource again.',
    'If an error occurs, requests and holds that were already submitted remain: the result lists them, and what was not submitted.',
    'Most fixes can be undone without undo = true in Terraform. It is needed for vpc-flow-logs-disabled, for kms-key-rotation, and for custom rules with permissions or a runbook for the undo.',
  ],
  policy: 'operator',
  examples: [
    {
      says: 'The last fix of a resource:',
      command: 'cspm-remediation undo sg-0123456789abcdef0 --reason "needed by the web team"',
    },
    {
      says: 'Everything since 14:00 (UTC):',
      command: 'cspm-remediation undo --since 14:00 --reason "incident 4711"',
    },
    {
      says: 'Everything that a rule changed in an account in the last 24 hours:',
      command:
        'cspm-remediation undo --since 24h --rule s3-bucket-public --account 222222222222 --reason "wrong account"',
    },
    {
      says: 'One poll, by the name of its sessions:',
      command:
        'cspm-remediation undo --poll netskope.s3-bucket-public@1795560640 --reason "wrong rule" --yes',
    },
  ],
  configure: (command) =>
    command
      .argument(
        '[resource]',
        'The id or the ARN of a resource, or a finding as rule#account#region#resource.',
      )
      .option('--poll <name>', 'All fixes of a poll, by the name of its sessions.')
      .option('--job <id>', 'All fixes of a job, by its id or the key of its evidence.')
      .option('--since <time>', 'All fixes since a time: 24h, 14:00 (UTC), 2026-11-24, 2026-11-24T10:00:00Z.')
      .option('--rule <id>', 'Only fixes of this rule.')
      .option('--account <id>', 'Only fixes in this account.')
      .option(
        '--with-newer',
        'Also the newer fixes of the same resources; for a named resource, all of its fixes.',
      )
      .option('--force', 'Undo the rest of a fix if someone has changed the resource since.')
      // Not `requiredOption`, which would report the missing reason before it reports that nothing is selected.
      .option('--reason <text>', 'The reason, for others to read. Required.')
      .option(
        '--until <day>',
        'The last day, in UTC, on which the resources are held. Default: until they are released.',
      )
      .option('--timeout <duration>', 'The longest time to wait for the result, such as 30m or 2h.', '30m')
      .option('--yes', 'Do not ask for confirmation.'),
  load: () => import('./undo.ts'),
};
