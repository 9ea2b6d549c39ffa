import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { copyProject } from '../../lab/terraform/index.ts';

const repository = path.resolve(import.meta.dirname, '../../..');
/** A folder within the project, so that its packages are found. */
const copy = path.join(repository, '.work', `add-rule-${process.pid}`);

const ID = 'redshift-cluster-exposed';
const MODEL = 'redshift-cluster-public';

/** The lists that hold a line for each rule. */
const indexes = [
  'lambdas/rules/catalogue.ts',
  'lambdas/rules/index.ts',
  'lambdas/sources/netskope/rule-names.ts',
  'test/lab/rules/index.ts',
];

/** The new rule says what its model says, under names of its own. */
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
  if (after === before) throw new Error(`nothing of ${file} was changed`);
  await mkdir(path.dirname(path.join(copy, to)), { recursive: true });
  await writeFile(path.join(copy, to), after);
}

/** An import and an entry before the model's own, by which the alphabet is kept. */
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

/** Two rules share what a call asks for. */
const withCallsOfModel = (text: string): string =>
  text
    .replace(/^import .*permissions\/requirement\.ts';\n/m, '')
    .replace(/^import .*netskope-words.*\n/m, `$&import { labRule as model } from './${MODEL}.ts';\n`)
    .replace(
      /^(\/\*\*(?:(?!\*\/).)*\*\/\n)?const calls: Calls = \{.*?^\};\n/ms,
      'const { calls } = model;\n',
    );

/** Runs one of the project's programs on the copy. @returns what it wrote where it failed, else nothing */
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
  await edit(`lambdas/rules/${MODEL}/facts.ts`, renamed, `lambdas/rules/${ID}/facts.ts`);
  await cp(path.join(copy, `lambdas/rules/${MODEL}/rule.ts`), path.join(copy, `lambdas/rules/${ID}/rule.ts`));
  await edit(
    `test/lab/rules/${MODEL}.ts`,
    (text) => withCallsOfModel(renamed(text)),
    `test/lab/rules/${ID}.ts`,
  );
  await edit(`test/unit/rules/${MODEL}.test.ts`, renamed, `test/unit/rules/${ID}.test.ts`);
  for (const index of indexes) {
    await edit(index, entered);
  }
  expect(await run(biome, 'format', '--write', 'lambdas', 'test')).toBe('');
  for (const generator of ['catalog', 'input-shapes', 'docs', 'terraform-docs']) {
    expect(await run(`scripts/${generator}.ts`)).toBe('');
  }
});
afterAll(() => rm(copy, { recursive: true, force: true, maxRetries: 5 }));

test('the types agree', async () => {
  expect(await run(installed('typescript/bin/tsc'), '--noEmit')).toBe('');
});

test('lint finds nothing', async () => {
  expect(
    await run(
      installed('@biomejs/biome/bin/biome'),
      'ci',
      '--error-on-warnings',
      'lambdas',
      'test/lab/rules',
    ),
  ).toBe('');
});

test.each(['catalog', 'input-shapes', 'docs', 'terraform-docs'])('%s is up to date', async (generator) => {
  expect(await run(`scripts/${generator}.ts`, '--check')).toBe('');
});

test('the rule is in what Terraform and the documents read', async () => {
  expect(await readFile(path.join(copy, 'modules/catalog.json'), 'utf8')).toContain(`"${ID}"`);
  expect(await readFile(path.join(copy, 'docs/rules.md'), 'utf8')).toContain(ID);
});

test('the tests of the catalogue, of the lab and of the rule pass', async () => {
  const files = [
    `test/unit/rules/${ID}.test.ts`,
    'test/unit/rules/catalogue.test.ts',
    'test/unit/rules/permissions.test.ts',
    'test/lab/rules',
    'test/lab/permissions',
  ];
  expect(await run(installed('vitest/vitest.mjs'), 'run', '--project=unit', ...files)).toBe('');
});
