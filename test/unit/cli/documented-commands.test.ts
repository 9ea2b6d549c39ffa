import { glob, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { commands } from '../../../cli/commands/index.ts';
import { createProgram, PROGRAM } from '../../../cli/program.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const patterns = ['README.md', 'docs/*.md', 'examples/*/README.md', 'modules/*/README.md'];

interface Documented {
  readonly file: string;
  readonly command: string;
}

/** Finds the commands in a document: lines of its shell blocks, and inline code. */
function commandsIn(text: string): string[] {
  const blocks = [...text.matchAll(/^ *```sh\n([\s\S]*?)^ *```$/gm)].map(([, block = '']) => block);
  const lines = blocks.flatMap((block) => block.replaceAll(/ *\\\n */g, ' ').split('\n'));
  const prose = text.replaceAll(/^ *```[\s\S]*?^ *```$/gm, '').matchAll(/`([^`]+)`/g);
  const inline = [...prose].map(([, code = '']) => code.replaceAll('\n', ' ')).filter(isWhole);
  return (
    [...lines, ...inline]
      // After a pipe, another command begins.
      .map((line) =>
        line
          .replace(/ +#.*$/, '')
          .replace(/ +\|( .*)?$/, '')
          .trim(),
      )
      .filter((line) => line.startsWith(`${PROGRAM} `))
  );
}

/** Reports whether the code is more than the name of a command. */
function isWhole(code: string): boolean {
  return code.trim().split(/ +/).length > 2;
}

/** Splits a command into words, as a shell does. */
function wordsOf(command: string): string[] {
  return [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? '',
  );
}

/** Parses a command with the command line. @returns the name of the command that it would run */
async function parse([, ...words]: readonly string[]): Promise<string> {
  let run = 'none';
  const said: string[] = [];
  const program = createProgram({
    commands,
    version: '0.0.0',
    width: undefined,
    writeOut: () => {},
    writeError: (text) => said.push(text),
    act: async ({ name }) => {
      run = name;
    },
  });
  await program.parseAsync(words, { from: 'user' }).catch((error: unknown) => said.push(String(error)));
  return said.length === 0 ? run : said.join(' ');
}

const documented: Documented[] = [];
for await (const file of glob(patterns, { cwd: root })) {
  const text = await readFile(path.join(root, file), 'utf8');
  // Commands with placeholders, such as `<name>` or `…`, cannot be run.
  const found = commandsIn(text).filter((command) => !/[<…]/.test(command));
  documented.push(...found.map((command) => ({ file, command })));
}

describe('every command in the documents is valid', () => {
  test('every command is documented', () => {
    const names = new Set(documented.map(({ command }) => wordsOf(command)[1]));

    expect([...names]).toEqual(expect.arrayContaining(commands.map(({ name }) => name)));
  });

  test.each(documented)('$command ($file)', async ({ command }) => {
    const words = wordsOf(command);

    expect(await parse(words)).toBe(words[1]);
  });
});
