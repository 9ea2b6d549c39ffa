import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { copyProject } from '../../lab/terraform/index.ts';

const repository = path.resolve(import.meta.dirname, '../../..');
/** A folder within the project, so that Node finds its packages. */
const copy = path.join(repository, '.work', `add-rule-${process.pid}`);

const ID = 'redshift-cluster-exposed';
const MODEL = 'redshift-cluster-public';

/** Reads the files that CONTRIBUTING.md lists for every rule, without those that only some rules need. */
async function listedFiles(): Promise<string[]> {
  const text = await readFile(path.join(repository, 'CONTRIBUTING.md'), 'utf8');
  const section = /^## Add a rule\n[\s\S]*?(?=^## )/m.exec(text)?.[0] ?? '';
  const rows = [...section.matchAll(/^\| (?!only for )[^|]* \| ([^|]*) \|/gm)];
  return rows.flatMap(([, where = '']) => [...where.matchAll(/`([^`]+\.ts)`/g)].map(([, file = '']) => file));
}

/** Reads the programs that `npm run generate` runs, except for the one that builds the functions. */
async function generators(): Promise<string[]> {
  const text = await readFile(path.join(repository, 'scripts/generate.ts'), 'utf8');
  const names = [...text.matchAll(/^ {2}'(.+\.ts)',$/gm)].map(([, name = '']) => name);
  return names.filter((name) => name !== 'build.ts');
}

/** The new rule has the texts of its model, with names that no other rule has. */
function renamed(text: string): string {
  return text
    .replaceAll(`'${MODEL}'`, `'${ID}'`)
    .replaceAll(`rules/${MODEL}/`, `rules/${ID}/`)
    .replaceAll('BPR-1-9', 'BPR-99-9')
    .replaceAll('Clusters are not Publicly accessible', 'Clusters are not exposed')
    .replaceAll('clusters are not publicly accessible', 'clusters are not exposed');
}

async function edit(file: string, change: (text: string) => string, to = file): Promise<void> {
  const before = await readFile(path.join(copy, file), 'utf8');
  const after = change(before);
  if (after === before) throw new Error(`expected a change of ${file}`);
  await mkdir(path.dirname(path.join(copy, to)), { recursive: true });
  await writeFile(path.join(copy, to), after);
}

/** An import and an entry before the model's, which keeps the alphabetical order. */
function entered(text: string): string {
  const withCopy = (model: string): string =>
    renamed(model)
      .replaceAll('redshiftClusterPublic', 'redshiftClusterExposed')
      .replaceAll(MODEL, ID)
      .concat(model);
  return text
    .replace(/^import .*\/redshift-cluster-public.*\n/m, withCopy)
    .replace(/^ {2}'redshift-cluster-public': (?:.*,|\[\n(?: {4}.*\n)+ {2}\],)\n/m, withCopy);
}

/** Two rules share what their calls request. */
const withCallsOfModel = (text: string): string =>
  text
    .replace(/^import .*permissions\/requirement\.ts';\n/m, '')
    .replace(/^import .*netskope-words.*\n/m, `$&import { labRule as model } from './${MODEL}.ts';\n`)
    .replace(
      /^(\/\*\*(?:(?!\*\/).)*\*\/\n)?const calls: Calls = \{.*?^\};\n/ms,
      'const { calls } = model;\n',
    );

/** Runs one of the project's programs on the copy. @returns its output if it failed, else nothing */
async function run(...program: readonly string[]): Promise<string> {
  const options = { cwd: copy, maxBuffer: 2 ** 26, env: { ...process.env, NO_COLOR: '1' } };
  const failed = (error: { readonly stdout?: string; readonly stderr?: string }): string =>
    `${error.stdout ?? ''}\n${error.stderr ?? ''}`.trim() || String(error);
  return promisify(execFile)(process.execPath, program, options).then(() => '', failed);
}

const installed = (file: string): string => path.join(repository, 'node_modules', file);
const biome = installed('@biomejs/biome/bin/biome');

beforeAll(async () => {
  await copyProject(copy);
  // The list of CONTRIBUTING.md, "Add a rule", and nothing else.
  for (const file of await listedFiles()) {
    const [own, model] = [file.replace('<id>', ID), file.replace('<id>', MODEL)];
    if (own === file) await edit(file, entered);
    else if (file.endsWith('/rule.ts')) await cp(path.join(copy, model), path.join(copy, own));
    else if (file.startsWith('test/lab/')) await edit(model, (text) => withCallsOfModel(renamed(text)), own);
    else await edit(model, renamed, own);
  }
  expect(await run(biome, 'format', '--write', 'lambdas', 'test')).toBe('');
  // Each program reads the output of those before it.
  for (const generator of await generators()) {
    expect(await run(`scripts/${generator}`), generator).toBe('');
  }
});
afterAll(() => rm(copy, { recursive: true, force: true, maxRetries: 5 }));

test('the type check passes', async () => {
  expect(await run(installed('typescript/bin/tsc'), '--noEmit')).toBe('');
});

test('lint finds nothing', async () => {
  expect(await run(biome, 'ci', '--error-on-warnings', 'lambdas', 'test/lab/rules')).toBe('');
});

test('no folder imports what it must not', async () => {
  const program = installed('dependency-cruiser/bin/dependency-cruise.mjs');
  const result = await run(program, '--config', '.dependency-cruiser.mjs', 'cli', 'lambdas');
  expect(result).toBe('');
});

test('the generated files are up to date', async () => {
  for (const generator of await generators()) {
    expect(await run(`scripts/${generator}`, '--check'), generator).toBe('');
  }
});

test('Terraform and the documents have the rule', async () => {
  expect(await readFile(path.join(copy, 'modules/catalog.json'), 'utf8')).toContain(`"${ID}"`);
  expect(await readFile(path.join(copy, 'docs/rules.md'), 'utf8')).toContain(ID);
});

test('the tests of the catalogue, of the lab, of the coverage by rule, and of the rule pass', async () => {
  const files = [
    `test/unit/rules/${ID}.test.ts`,
    'test/unit/rules/catalogue.test.ts',
    'test/unit/rules/permissions.test.ts',
    'test/unit/rule-coverage.test.ts',
    'test/unit/scripts/vpc-endpoints.test.ts',
    'test/lab/rules',
    'test/lab/permissions',
  ];
  expect(await run(installed('vitest/vitest.mjs'), 'run', '--project=unit', ...files)).toBe('');
});
