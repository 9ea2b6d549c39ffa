import { Command, CommanderError, Option } from 'commander';
import type { CommandFacts, Given } from './command.ts';
import { helpOf } from './help.ts';

/** The name of the command line, and of its file in `dist/` without the suffix. */
export const PROGRAM = 'cspm-remediation';

/** Options that every command accepts, before or after its name. */
export interface GlobalGiven {
  readonly name: string;
  readonly region?: string;
  readonly profile?: string;
  readonly json?: true;
}

export interface ProgramOptions {
  readonly commands: readonly CommandFacts[];
  readonly version: string;
  /** The width of help in columns. Undefined: the maximum. */
  readonly width: number | undefined;
  readonly writeOut: (text: string) => void;
  readonly writeError: (text: string) => void;
  /** Runs a command. */
  readonly act: (facts: CommandFacts, given: Given, global: GlobalGiven) => Promise<void>;
}

const DESCRIPTION =
  'Shows what the automatic remediation of CSPM findings does, and why, and lets operators pause it, hold resources, and undo fixes. It uses the same credentials and region settings as the AWS CLI: the credentials must be those of the security account, and the region one that the deployment protects. It finds the deployment by its name.';

/** Creates the parser of the command line. It throws a CommanderError for invalid usage. */
export function createProgram(options: ProgramOptions): Command {
  const { commands, version, width, writeOut, writeError } = options;
  const factsByName = new Map(commands.map((facts) => [facts.name, facts]));
  const program = new Command(PROGRAM)
    .summary('operate the automatic remediation of CSPM findings')
    .description(DESCRIPTION)
    .version(version, '--version', 'Print the version and exit.')
    .helpOption('--help', 'Print help and exit.')
    .exitOverride()
    .configureOutput({
      writeOut,
      writeErr: writeError,
      outputError: outputErrorOf(undefined),
      ...(width !== undefined && { getOutHelpWidth: () => width, getErrHelpWidth: () => width }),
    })
    .configureHelp({
      showGlobalOptions: true,
      formatHelp: (command, helper) => helpOf(command, helper, factsByName.get(command.name())),
    })
    .showSuggestionAfterError()
    .addOption(
      new Option('--name <name>', 'The name of the deployment: `name` of its Terraform module.').default(
        'cspm-auto-remediation',
      ),
    )
    .option(
      '--region <code>',
      'Limit the command to this region, which the deployment must protect. By default, the configured region is used to find the deployment, and the command acts in all regions.',
    )
    .option('--profile <name>', 'The profile of the AWS configuration files to use.')
    .option('--json', 'Print the result as JSON; docs/command-line.schema.json has the schemas.');
  for (const facts of commands) {
    const command = facts.configure(program.command(facts.name).summary(facts.summary));
    command.configureOutput({ outputError: outputErrorOf(facts.name) });
    command.helpOption('--help', 'Print help and exit.').action(() => {
      const names = command.registeredArguments.map((argument) => argument.name());
      const given = Object.fromEntries(names.map((name, index) => [name, command.processedArgs[index]]));
      return options.act(facts, { ...command.opts(), ...given }, program.opts());
    });
  }
  return program;
}

/** Formats a usage error, with the command that prints help. Undefined command: none was recognized. */
export function usageLine(problem: string, command: string | undefined): string {
  const words = problem
    .replace(/^error: /, '')
    .replaceAll('\n', ' ')
    .trim();
  const help = [PROGRAM, ...(command === undefined ? [] : [command]), '--help'].join(' ');
  return `${PROGRAM}: ${words.replace(/\.$/, '')}. See ${help}.`;
}

function outputErrorOf(command: string | undefined) {
  return (text: string, write: (line: string) => void): void => write(`${usageLine(text, command)}\n`);
}

/** Reports whether the parser ended because it printed the requested text: help, or the version. */
export function isAnswered(error: unknown): boolean {
  return error instanceof CommanderError && error.exitCode === 0;
}
