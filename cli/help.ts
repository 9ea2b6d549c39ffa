import type { Argument, Command, Help, Option } from 'commander';
import type { CommandFacts } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { fold } from './fold.ts';

const INDENT = 7;
const DEEPER = 11;
const WIDEST = 100;

/** Formats help like the AWS CLI: NAME, DESCRIPTION, SYNOPSIS, OPTIONS, EXAMPLES, and exit codes. */
export function helpOf(command: Command, helper: Help, facts: CommandFacts | undefined): string {
  const width = Math.min(helper.helpWidth ?? WIDEST, WIDEST);
  const paragraph = (text: string, indent = INDENT): string => fold(text, width, indent);
  const terms = (all: readonly Term[]): string[] =>
    all.map(({ term, says }) => `${paragraph(term)}\n${paragraph(says, DEEPER)}`);
  const global = facts === undefined ? [] : helper.visibleGlobalOptions(command);
  const sections: readonly (readonly [string, readonly string[]])[] = [
    ['NAME', [paragraph(`${fullName(command)} - ${command.summary()}`)]],
    ['DESCRIPTION', descriptionOf(command, facts).map((text) => paragraph(text))],
    ['SYNOPSIS', [paragraph(synopsis(command, helper))]],
    ['COMMANDS', terms(commandsOf(command, helper))],
    ['ARGUMENTS', terms(helper.visibleArguments(command).map(argumentTerm))],
    ['OPTIONS', terms(optionsOf(command, helper))],
    ['GLOBAL OPTIONS', terms(global.map(optionTerm))],
    ['EXAMPLES', (facts?.examples ?? []).map(({ says, command: line }) => exampleOf(paragraph(says), line))],
    ['EXIT CODES', facts === undefined ? terms(exitTerms()) : []],
  ];
  return sections
    .filter(([, blocks]) => blocks.length > 0)
    .map(([title, blocks]) => `${title}\n${blocks.join('\n\n')}\n`)
    .join('\n');
}

interface Term {
  readonly term: string;
  readonly says: string;
}

function descriptionOf(command: Command, facts: CommandFacts | undefined): readonly string[] {
  if (facts === undefined) return [command.description()];
  return [...facts.description, `Requires the policy <name>-${facts.policy}.`];
}

function commandsOf(command: Command, helper: Help): Term[] {
  return helper
    .visibleCommands(command)
    .filter((each) => each.name() !== 'help')
    .map((each) => ({ term: each.name(), says: each.summary() }));
}

function optionsOf(command: Command, helper: Help): Term[] {
  return helper
    .visibleOptions(command)
    .filter(({ long }) => long !== '--help')
    .map(optionTerm);
}

function optionTerm({ flags, description, defaultValue }: Option): Term {
  const byDefault = typeof defaultValue === 'string' ? ` Default: ${defaultValue}.` : '';
  return { term: flags, says: `${description}${byDefault}` };
}

function argumentTerm(argument: Argument): Term {
  return { term: argument.name(), says: argument.description };
}

function exitTerms(): Term[] {
  return Object.values(exitCodes).map(({ code, meaning }) => ({ term: String(code), says: meaning }));
}

/** The command is not folded, so that it can be copied. */
function exampleOf(says: string, line: string): string {
  return `${says}\n\n${' '.repeat(DEEPER)}${line}`;
}

function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${command.parent.name()} ${command.name()}`;
}

function synopsis(command: Command, helper: Help): string {
  if (command.commands.length > 0) return `${fullName(command)} <command> [options]`;
  const args = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? ' ...' : ''}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  const options = helper
    .visibleOptions(command)
    .filter(({ long }) => long !== '--help')
    .map(({ flags, mandatory }) => (mandatory ? flags : `[${flags}]`));
  return [fullName(command), ...args, ...options].join(' ');
}
