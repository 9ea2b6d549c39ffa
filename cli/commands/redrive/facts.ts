import type { CommandFacts } from '../../command.ts';

export const redrive: CommandFacts = {
  name: 'redrive',
  summary: 'Clear the dead-letter queues: send back jobs that changed something, and drop the rest.',
  description: [
    'In each region it takes the dead letters one by one. Jobs with changes in their journal, and those that close findings, go back to their queue and are finished; so do undo requests. Other jobs are dropped: the next poll looks at their findings. So are polls that failed: the next one asks again. What is not a job stays, unless --discard drops it.',
    'Repair the cause first: cspm-remediation status and the log of the remediator name it. It asks before it does anything.',
  ],
  policy: 'operator',
  examples: [
    { says: 'All regions:', command: 'cspm-remediation redrive' },
    { says: 'One region, every job:', command: 'cspm-remediation redrive --region us-east-1 --all --yes' },
  ],
  configure: (command) =>
    command
      .option('--all', 'Send every job back, not only those that changed something.')
      .option('--discard', 'Drop messages that are not jobs.')
      .option('--yes', 'Do it without a question.'),
  load: () => import('./redrive.ts'),
};
