import type { CommandFacts } from '../../command.ts';

export const redrive: CommandFacts = {
  name: 'redrive',
  summary:
    'Clear the dead-letter queues: send back jobs with work that only they can finish, and drop the rest.',
  description: [
    'It processes the dead letters of each region one by one. Jobs with changes in their journal, jobs that may not have sent events of recorded outcomes, jobs that close findings, and undo requests go back to their queue and are completed. Other jobs and failed polls are dropped, because the next poll checks their findings. Messages that are not jobs stay, unless --discard drops them.',
    'Fix the cause first: cspm-remediation status and the log of the remediator name it. The command counts the dead letters, and asks for confirmation.',
  ],
  policy: 'operator',
  examples: [
    { says: 'All regions:', command: 'cspm-remediation redrive' },
    { says: 'One region, every job:', command: 'cspm-remediation redrive --region us-east-1 --all --yes' },
  ],
  configure: (command) =>
    command
      .option('--all', 'Send every job back, not only those with work that only they can finish.')
      .option('--discard', 'Drop messages that are not jobs.')
      .option('--yes', 'Do not ask for confirmation.'),
  load: () => import('./redrive.ts'),
};
