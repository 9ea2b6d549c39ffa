import { pauseParameter } from '../../../lambdas/model/deployment.ts';
import type { Clients } from '../../aws/clients.ts';
import { PutParameterCommand, SSMClient } from '../../aws/ssm.ts';
import type { CommandResult } from '../../command.ts';
import type { Context } from '../../context.ts';
import { readVersioned } from '../../deployed/parameter.ts';
import { CliError, explainError } from '../../errors.ts';
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
    const explain = (error: unknown): string => explainError(error, `${deployment.name}-operator`).line;
    try {
      const parameter = new PauseParameter(context.clients, region, pauseParameter(deployment));
      return { region, ...(await parameter.set(change, explain)) };
    } catch (error) {
      return { region, problem: explain(error) };
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

/** Maximum number of writes, because others may write at the same time. */
const MOST_WRITES = 5;

/** The pause of one region. */
class PauseParameter {
  readonly #clients: Clients;
  readonly #region: string;
  readonly #name: string;

  constructor(clients: Clients, region: string, name: string) {
    this.#clients = clients;
    this.#region = region;
    this.#name = name;
  }

  /**
   * Changes the words. Parameter Store has no conditional write, but numbers the versions: the number of the written one shows
   * that somebody else wrote after the read. Then the change is made again, to what they wrote.
   */
  async set(
    change: (words: readonly string[]) => readonly string[],
    explain: (error: unknown) => string,
  ): Promise<Omit<Regional, 'region'>> {
    const read = await readVersioned(this.#clients, this.#region, this.#name);
    if (read === undefined) return { problem: 'there is no pause parameter: run terraform apply again' };
    let { value: before, version: last } = read;
    let pause = changed(before, change);
    for (let writes = 1; ; writes += 1) {
      const version = await this.#write(pause);
      if (version === undefined || last === undefined || version === last + 1) return { pause, before };
      last = version;
      let overwritten: string;
      try {
        overwritten = await this.#read(version - 1);
      } catch (error) {
        return {
          problem: `set to ${pause}, but somebody else set it at the same time, and what they set could not be read: ${explain(error)}; agree with them, and set it again`,
        };
      }
      // If an answer was lost, the SDK has sent this write twice.
      if (overwritten !== pause) before = overwritten;
      const again = changed(overwritten, change);
      if (again === pause) return { pause, before };
      if (writes === MOST_WRITES) {
        return {
          problem: `set to ${pause}, but somebody else keeps setting it, last to ${overwritten}: agree with them, and set it again`,
        };
      }
      pause = again;
    }
  }

  async #write(Value: string): Promise<number | undefined> {
    const command = new PutParameterCommand({ Name: this.#name, Value, Overwrite: true });
    return (await this.#clients.client(SSMClient, this.#region).send(command)).Version;
  }

  async #read(version: number): Promise<string> {
    const name = `${this.#name}:${version}`;
    const found = await readVersioned(this.#clients, this.#region, name);
    if (found === undefined) throw new CliError('notFound', `there is no version ${name}`);
    return found.value;
  }
}

function changed(value: string, change: (words: readonly string[]) => readonly string[]): string {
  return change(wordsOf(value)).join(',') || 'none';
}

function wordsOf(value: string): string[] {
  return value
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== 'none' && word !== '');
}
