import type { CommandFacts } from '../../command.ts';

export const doctor: CommandFacts = {
  name: 'doctor',
  summary: 'Check a deployment, and say what to do about each problem.',
  description: [
    "It checks the versions of module and functions, queues, pauses and settings, schedules, subscriptions of the topic, Lambda's concurrency, and dead letters. With the operator's policy the collector also checks the API token, and the remediators of each region check the role in each known account; nothing is read or changed there.",
    'Checks that the caller is not allowed to make are shown as unknown, with the policy that they require. The exit code is 9 if something needs to be fixed.',
  ],
  policy: 'viewer',
  examples: [
    { says: 'Everything:', command: 'cspm-remediation doctor' },
    { says: 'The role in one account:', command: 'cspm-remediation doctor --account 222222222222' },
  ],
  configure: (command) =>
    command
      .option('--account <id>', 'Check the role in this account only. Default: in all known accounts.')
      .option('--timeout <duration>', 'The longest time to wait for the remediators, such as 5m.', '5m'),
  load: () => import('./doctor.ts'),
};
