/**
 * Writes the reference in `docs/command-line.md`, and the JSON Schemas of `--json`, from the commands.
 *
 *     node scripts/command-line-docs.ts           write
 *     node scripts/command-line-docs.ts --check   change nothing; exit 1 when one of them is stale
 */
import type { Command, Option } from 'commander';
import { z } from 'zod';
import type { CommandFacts } from '../cli/command.ts';
import { commands } from '../cli/commands/index.ts';
import { exitCodes } from '../cli/exit-codes.ts';
import { createProgram, PROGRAM } from '../cli/program.ts';
import { MODULE_VERSION } from '../lambdas/model/module-version.ts';
import { readOrEmpty, withGenerated, writeGenerated } from './generated-files.ts';
import { code, table } from './markdown.ts';

const file = 'docs/command-line.md';
const schemaFile = 'docs/command-line.schema.json';

/** Escapes characters that Markdown would interpret as HTML. */
const words = (text: string): string => text.replaceAll('<', '\\<');

function optionRows(options: readonly Option[]): string[][] {
  return options
    .filter(({ long }) => long !== '--help')
    .map(({ flags, description, defaultValue, mandatory }) => [
      code(flags),
      [
        words(description),
        mandatory ? 'Required.' : '',
        typeof defaultValue === 'string' ? `Default: ${code(defaultValue)}.` : '',
      ]
        .filter((part) => part !== '')
        .join(' '),
    ]);
}

function sectionOf(command: Command, { name, summary, description, policy, examples }: CommandFacts): string {
  const args = command.registeredArguments.map((argument) => [
    code(argument.required ? `<${argument.name()}>` : `[${argument.name()}]`),
    words(argument.description),
  ]);
  const rows = [...args, ...optionRows(command.options)];
  const lines = examples.map(({ says, command: line }) => `# ${says.replace(/:$/, '')}\n${line}`);
  return [
    `### ${name}`,
    words(summary),
    ...description.map(words),
    `Policy: ${code(`<name>-${policy}`)}.`,
    ...(rows.length === 0 ? [] : [table(['argument or option', 'meaning'], rows)]),
    `\`\`\`sh\n${lines.join('\n\n')}\n\`\`\``,
  ].join('\n\n');
}

function reference(): string {
  const program = createProgram({
    commands,
    version: MODULE_VERSION,
    width: undefined,
    writeOut: () => undefined,
    writeError: () => undefined,
    act: () => Promise.resolve(),
  });
  const sections = commands.map((facts) => {
    const command = program.commands.find((each) => each.name() === facts.name);
    if (command === undefined) throw new Error(`the parser has no command ${facts.name}`);
    return sectionOf(command, facts);
  });
  const codes = Object.values(exitCodes).map(({ code: number, meaning }) => [String(number), meaning]);
  return [
    '## Exit codes',
    table(['code', 'meaning'], codes),
    '## Options of every command',
    'Before or after its name.',
    table(['argument or option', 'meaning'], optionRows(program.options)),
    '## Commands',
    ...sections,
  ].join('\n\n');
}

/** Removes the long pattern of a timestamp, because its format already says the same. */
function withoutPattern(schema: { format?: string | undefined; pattern?: string | undefined }): void {
  if (schema.format !== undefined) delete schema.pattern;
}

async function schemas(): Promise<string> {
  const definitions: [string, object][] = [];
  for (const { name, load } of commands) {
    const { result } = await load();
    // Later versions may add attributes, which schemas of input allow.
    const { $schema: _, ...definition } = z.toJSONSchema(result, {
      io: 'input',
      override: ({ jsonSchema }) => withoutPattern(jsonSchema),
    });
    definitions.push([name, definition]);
  }
  const all = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: `Results of ${PROGRAM}, by command`,
    $defs: Object.fromEntries(definitions),
  };
  return `${JSON.stringify(all, null, 2)}\n`;
}

const place = { file, text: await readOrEmpty(file), generator: 'scripts/command-line-docs.ts' };
await writeGenerated(
  'command line',
  new Map([
    [file, withGenerated(place, `\n${reference()}\n\n`)],
    [schemaFile, await schemas()],
  ]),
);
