import type { CommandFacts } from '../../command.ts';

export const doctor: CommandFacts = {
  name: 'doctor',
  summary: 'Check that everything a deployment needs is there, and say what to do where it is not.',
  description: [
    "It checks the versions of module and functions, queues, pauses and settings, schedules, subscriptions of the topic, the concurrency that Lambda gives, and dead letters. With the operator's policy it also has the collector try the API token, and the remediators of each region try the role in each account that the deployment knows; nothing is read or changed there.",
    'What the caller may not see is shown as unknown, with the policy that it takes. It ends with 9 where something needs to be fixed.',
  ],
  policy: 'viewer',
  examples: [
    { says: 'Everything:', command: 'cspm-remediation doctor' },
    { says: 'The role in one account:', command: 'cspm-remediation doctor --account 222222222222' },
  ],
  configure: (command) =>
    command
      .option('--account <id>', 'Have the role tried in this account only. Default: in all that are known.')
      .option('--timeout <duration>', 'How long to wait for the remediators at most, such as 5m.', '5m'),
  load: () => import('./doctor.ts'),
};
