import { z } from 'zod';
import { type CommandResult, type Given, parseGiven } from '../../command.ts';
import type { Context } from '../../context.ts';
import { type Opened, open } from '../../deployed/index.ts';
import { depthOf } from '../../deployed/queues.ts';
import { explainError } from '../../errors.ts';
import { regionsOf } from '../../given.ts';
import { table } from '../../table.ts';
import { type Fate, type FateOptions, fateOf } from './letter.ts';
import type { Redriven } from './result.ts';
import { workOff } from './work-off.ts';

export { redriveSchema as result } from './result.ts';

const givenSchema = z.object({
  all: z.boolean().default(false),
  discard: z.boolean().default(false),
  yes: z.boolean().default(false),
});

const polled: Fate = { is: 'dropped', says: 'a failed poll: the next one queries again' };

/** Clears the dead-letter queues. */
export async function run(context: Context, given: Given): Promise<CommandResult> {
  const { yes, ...options } = parseGiven(givenSchema, given);
  const { screen, clients } = context;
  const opened = await open(context);
  const { deployment } = opened;
  const regions = regionsOf(deployment, context.region);
  const queues = regions.flatMap((region) => queuesIn(opened, region).map((queue) => ({ region, queue })));
  const depths = await Promise.all(
    queues.map(async ({ region, queue }) => ({
      region,
      queue,
      depth: (await depthOf(clients, region, queue))?.waiting ?? 0,
    })),
  );
  const waiting = depths.filter(({ depth }) => depth > 0);
  if (waiting.length === 0) {
    return {
      value: { regions: regions.map((region) => ({ region, letters: [] })) },
      text: 'There are no dead letters.',
    };
  }
  for (const { region, queue, depth } of waiting) screen.remark(`- ${depth} in ${queue}, ${region}`);
  await screen.confirm(questionOf(options), yes);
  const result = await screen.progress('processing dead letters', () =>
    Promise.all(regions.map((region) => clear(context, opened, region, options))),
  );
  return resultOf(result, context);
}

function queuesIn({ deployment: { queues, home_region } }: Opened, region: string): string[] {
  const { jobs_dead_letters, jobs_delayed_dead_letters, polls_dead_letters } = queues;
  return [
    jobs_dead_letters,
    jobs_delayed_dead_letters,
    ...(region === home_region ? [polls_dead_letters] : []),
  ];
}

function questionOf({ all, discard }: FateOptions): string {
  const jobs = all
    ? 'Send all jobs back'
    : 'Send back jobs with work that only they can finish, and drop the other jobs and polls';
  return `${jobs}${discard ? ', and drop messages that are not jobs' : ''}?`;
}

/** Clears one region. One that does not answer does not delay the others. */
async function clear(
  { clients }: Context,
  opened: Opened,
  region: string,
  options: FateOptions,
): Promise<Redriven['regions'][number]> {
  const { deployment, evidence } = opened;
  const letters: Redriven['regions'][number]['letters'] = [];
  try {
    for (const queue of queuesIn(opened, region)) {
      const isOfPolls = queue === deployment.queues.polls_dead_letters;
      const decide = async (body: string): Promise<Fate> =>
        isOfPolls ? polled : fateOf(body, evidence, options);
      const backTo = deployment.queues.jobs;
      letters.push(...(await workOff({ clients, region, queue, backTo, fateOf: decide })));
    }
    return { region, letters };
  } catch (error) {
    return { region, letters, problem: explainError(error, `${deployment.name}-operator`).line };
  }
}

function resultOf(regions: Redriven['regions'], { screen: { colors, width } }: Context): CommandResult {
  const rows = regions.flatMap(({ region, letters, problem }) => [
    ...letters.map(({ is, says }) => [region, is, says]),
    ...(problem === undefined ? [] : [[region, colors.red('failed'), problem]]),
  ]);
  const isLeft = regions.some(
    ({ letters, problem }) => problem !== undefined || letters.some(({ is }) => is === 'kept'),
  );
  return {
    value: { regions },
    text: table(['REGION', '', 'MESSAGE'].map(colors.bold), rows, width),
    ...(isLeft && { exit: 'refused' as const }),
  };
}
