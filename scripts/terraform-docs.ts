/**
 * Writes the tables of inputs and outputs to the README of each module that has one, and those of the root module to
 * docs/inputs.md, from their Terraform files. Checks that each variable has one sentence, also in modules and examples
 * without a table, and that each attribute has a comment.
 *
 *     node scripts/terraform-docs.ts           write
 *     node scripts/terraform-docs.ts --check   change nothing; exit 1 and name every file that is stale
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from '@cdktn/hcl2json';
import { z } from 'zod';
import { withGenerated, writeGenerated } from './generated-files.ts';
import { code, table } from './markdown.ts';
import { attributeRows, row } from './terraform-docs/rows.ts';
import { parseType } from './terraform-docs/type-expression.ts';
import { block, typedFolders, typesIn } from './terraform-docs/typed-inputs.ts';
import { foldersWithTerraform, isAmongTests } from './testing/folders.ts';

const root = path.resolve(import.meta.dirname, '..');
const modules = 'modules';

const fileSchema = z.object({
  variable: z
    .record(z.string(), block({ description: z.string(), type: z.string(), default: z.unknown().optional() }))
    .default({}),
  output: z.record(z.string(), block({ description: z.string() })).default({}),
});

/** Matches the end of a sentence that another one follows. */
const severalSentences = /[.!?] +["`\p{Lu}]/u;

const tableOrNone: typeof table = (header, rows) => (rows.length === 0 ? 'None.' : table(header, rows));

async function filesIn(folder: string) {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.tf')).sort();
  return Promise.all(
    names.map(async (name) => {
      const file = path.join(folder, name);
      return fileSchema.parse(await parse(file, await readFile(file, 'utf8')));
    }),
  );
}

/** Lists the mistakes in a table of inputs. */
function mistakes(folder: string, inputs: readonly (readonly string[])[]): string[] {
  return inputs.flatMap(([name = '', , , meaning = '']) => {
    const at = `${path.relative(root, folder) || 'the root module'}, ${name}`;
    if (meaning === '')
      return [`${at}: expected a comment immediately before the attribute, which describes it`];
    const isAttribute = name.includes('.');
    if (isAttribute || !severalSentences.test(meaning)) return [];
    return [`${at}: expected one sentence, and details in comments before its attributes: ${meaning}`];
  });
}

/** Lists variables with more than one sentence in all folders with Terraform files but without a table. */
async function longDescriptions(tabled: ReadonlySet<string>): Promise<string[]> {
  const areas = [modules, 'examples'];
  const folders = await Promise.all(
    areas.map(async (area) =>
      (await foldersWithTerraform(path.join(root, area))).map((folder) => path.join(area, folder)),
    ),
  );
  const untabled = folders.flat().filter((folder) => !isAmongTests(folder) && !tabled.has(folder));
  const found = await Promise.all(
    untabled.map(async (folder) =>
      (await filesIn(path.join(root, folder))).flatMap(({ variable }) =>
        Object.entries(variable).flatMap(([name, { description }]) =>
          severalSentences.test(description)
            ? [`${folder}, \`${name}\`: expected one sentence: ${description}`]
            : [],
        ),
      ),
    ),
  );
  return found.flat();
}

async function tables(folder: string): Promise<{ text: string; mistakes: readonly string[] }> {
  const files = await filesIn(folder);
  const module = folder === root ? 'root' : path.basename(folder);
  const typed = await typesIn(typedFolders.get(module) ?? []);
  const byName = ([a]: [string, unknown], [b]: [string, unknown]) => (a < b ? -1 : 1);
  const variables = files.flatMap(({ variable }) => Object.entries(variable)).sort(byName);
  const isRequired = ([, { default: written }]: (typeof variables)[number]) => written === undefined;
  const inputs = [
    ...variables.filter(isRequired),
    ...variables.filter((entry) => !isRequired(entry)),
  ].flatMap(([name, variable]) => {
    // The types of inputs that are `any` are in the `typed` folders.
    const own = variable.type.replace(/^\$\{|\}$/g, '');
    const type = parseType(own === 'any' ? (typed.get(name) ?? own) : own);
    const written = variable.default === undefined ? undefined : JSON.stringify(variable.default);
    return [row(name, type, written, variable.description), ...attributeRows(name, type)];
  });
  const outputs = files
    .flatMap(({ output }) => Object.entries(output))
    .sort(byName)
    .map(([name, { description }]) => [code(name), description]);
  const text = [
    '',
    '## Inputs',
    '',
    tableOrNone(['name', 'type', 'default', 'meaning'], inputs),
    '',
    '## Outputs',
    '',
    tableOrNone(['name', 'meaning'], outputs),
    '',
    '',
  ].join('\n');
  return { text, mistakes: mistakes(folder, inputs) };
}

const wanted = new Map<string, string>();
const wrong: string[] = [];
const documented = [
  { folder: root, file: 'docs/inputs.md' },
  ...(await readdir(path.join(root, modules))).sort().map((name) => ({
    folder: path.join(root, modules, name),
    file: path.join(modules, name, 'README.md'),
  })),
];
for (const { folder, file } of documented) {
  const text = await readFile(path.join(root, file), 'utf8').catch(() => undefined);
  if (text === undefined) continue; // A module that only other modules use.
  const generated = await tables(folder);
  wrong.push(...generated.mistakes);
  wanted.set(file, withGenerated({ file, text, generator: 'scripts/terraform-docs.ts' }, generated.text));
}
wrong.push(...(await longDescriptions(new Set([...wanted.keys()].map((file) => path.dirname(file))))));
if (wrong.length > 0) {
  process.stderr.write(`${wrong.join('\n')}\n`);
  process.exitCode = 1;
}
await writeGenerated('tables of modules', wanted);
