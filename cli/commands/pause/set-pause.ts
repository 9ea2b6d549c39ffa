import { pauseParameter } from '../../../lambdas/model/deployment.ts';
import { PutParameterCommand, SSMClient } from '../../aws/ssm.ts';
import type { CommandResult } from '../../command.ts';
import type { Context } from '../../context.ts';
import { pauseIn } from '../../deployed/pauses.ts';
import { explainError } from '../../errors.ts';
import { regionsOf } from '../../given.ts';
import { table } from '../../table.ts';
import type { Paused } from './result.ts';

type Regional = Paused['regions'][number];

/**
 * Sets the pause of each region, all at once. A region that does not answer does not delay the others.
 * @param change returns the new words, given the current ones
 */
export async function setPauses(
  context: Context,
  change: (words: readonly string[]) => readonly string[],
): Promise<CommandResult> {
  const deployment = await context.deployment();
  const set = async (region: string): Promise<Regional> => {
    try {
      const before = await pauseIn(context.clients, deployment, region);
      if (before === undefined)
        return { region, problem: 'there is no pause parameter: run terraform apply again' };
      const pause = change(wordsOf(before)).join(',') || 'none';
      await context.clients
        .client(SSMClient, region)
        .send(new PutParameterCommand({ Name: pauseParameter(deployment), Value: pause, Overwrite: true }));
      return { region, pause, before };
    } catch (error) {
      return { region, problem: explainError(error, `${deployment.name}-operator`).line };
    }
  };
  const regions = await Promise.all(regionsOf(deployment, context.region).map(set));
  const { colors, width } = context.screen;
  const rows = regions.map(({ region, pause, before, problem }) => [
    region,
    problem === undefined ? (pause ?? '') : colors.red('not set'),
    problem ?? (pause === before ? 'unchanged' : `was ${before}`),
  ]);
  return {
    value: { regions },
    text: table(['REGION', 'PAUSE', ''].map(colors.bold), rows, width),
    ...(regions.some(({ problem }) => problem !== undefined) && { exit: 'refused' as const }),
  };
}

function wordsOf(value: string): string[] {
  return value
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== 'none' && word !== '');
}
