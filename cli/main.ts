import { CommanderError } from 'commander';
import type { Deployment } from '../lambdas/model/deployment.ts';
import { MODULE_VERSION } from '../lambdas/model/module-version.ts';
import { type ClientOptions, Clients } from './aws/clients.ts';
import type { CommandFacts, Given } from './command.ts';
import { commands } from './commands/index.ts';
import type { Context } from './context.ts';
import { expectEndpoints, regionOf } from './environment.ts';
import { explainError } from './errors.ts';
import { exitCodes } from './exit-codes.ts';
import { createProgram, type GlobalGiven, isAnswered, PROGRAM, usageLine } from './program.ts';
import { Screen, type ScreenOptions } from './screen.ts';

/** The outside world of a run: streams, environment, clock, and AWS. */
export interface Ports extends ScreenOptions {
  readonly now?: () => Date;
  /** Options of every AWS client. Default: from the environment. */
  readonly clientOptions?: ClientOptions;
}

/**
 * Ignores that the reader of a stream has gone, as `head` does: the work goes on, and the exit code says how it ended.
 * @throws any other error, such as that of a full disk
 */
function ignoreClosedPipe(error: Error): void {
  if (!('code' in error) || error.code !== 'EPIPE') throw error;
}

/**
 * Runs a command line. Never throws.
 * @param argv the arguments after the program's name
 * @returns the exit code
 */
export async function run(argv: readonly string[], ports: Ports): Promise<number> {
  const screen = new Screen(ports);
  const { stdout, stderr } = ports;
  for (const stream of [stdout, stderr]) stream.on('error', ignoreClosedPipe);
  let policy = 'viewer';
  let command: string | undefined;
  let profile: string | undefined;
  let exitCode: number = exitCodes.done.code;
  const program = createProgram({
    commands,
    version: MODULE_VERSION,
    width: screen.width,
    writeOut: (text) => stdout.write(text),
    writeError: (text) => stderr.write(text),
    act: async (facts, given, global) => {
      command = facts.name;
      profile = global.profile;
      policy = `${global.name}-${facts.policy}`;
      exitCode = await runCommand({ facts, given, global, screen, ports });
    },
  });
  try {
    await program.parseAsync(argv.length === 0 ? ['--help'] : argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (isAnswered(error)) return exitCodes.done.code;
    // The parser has already printed the error.
    if (error instanceof CommanderError) return exitCodes.usage.code;
    const explained = explainError(error, policy, profile);
    const isUsage = explained.exitCode === exitCodes.usage.code;
    screen.remark(isUsage ? usageLine(explained.line, command) : `${PROGRAM}: ${explained.line}`);
    if (explained.isBug && error instanceof Error && error.stack !== undefined) screen.remark(error.stack);
    return explained.exitCode;
  }
}

interface Run {
  readonly facts: CommandFacts;
  readonly given: Given;
  readonly global: GlobalGiven;
  readonly screen: Screen;
  readonly ports: Ports;
}

async function runCommand({ facts, given, global, screen, ports }: Run): Promise<number> {
  const { run: work } = await facts.load();
  const { value, text, exit = 'done' } = await work(contextOf(global, screen, ports), given);
  if (global.json === true) screen.printJson(value);
  else screen.print(text);
  return exitCodes[exit].code;
}

function contextOf(global: GlobalGiven, screen: Screen, ports: Ports): Context {
  const { now = () => new Date(), clientOptions = {}, environment } = ports;
  const { name, region, profile } = global;
  expectEndpoints(environment);
  const ownRegion = regionOf(environment);
  const clients = new Clients({
    ...(ownRegion !== undefined && { region: ownRegion }),
    ...clientOptions,
    ...(profile !== undefined && { profile }),
  });
  let found: Promise<Deployment> | undefined;
  return {
    screen,
    clients,
    region,
    now,
    deployment: async () => {
      const { findDeployment } = await import('./find-deployment.ts');
      found ??= findDeployment(clients, { name, region });
      return found;
    },
  };
}
