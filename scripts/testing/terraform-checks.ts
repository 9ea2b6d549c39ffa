/**
 * Checks every folder with Terraform files: its format, and its tests, or its validity if neither it nor other tests plan it. A
 * test run validates the module that it plans. All runs share one provider process, because starting the provider (700 MB) would
 * be three quarters of the work.
 *
 * Tests are in `test/` instead of Terraform's default `tests/`, because OpenTofu's `init` would read them there and fail: it
 * supports neither `source` and `override_during` of mocks, nor `state_key`.
 *
 *     node scripts/testing/terraform-checks.ts REPORT
 *
 * Works on a copy of the project. REPORT gets the checks as JSON; the exit code is 1 if one failed.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import pLimit from 'p-limit';
import { z } from 'zod';
import {
  copyProject,
  prepareTerraform,
  runTerraform,
  type SharedProvider,
  startSharedProvider,
} from '../../test/lab/terraform/index.ts';
import { type Check, readTerraformTest } from './checks.ts';
import { foldersWithTerraform, isAmongTests } from './folders.ts';

const validationSchema = z.object({
  valid: z.boolean(),
  diagnostics: z.array(z.object({ summary: z.string(), detail: z.string().optional() })).default([]),
});

const atATime = 2;

const [report] = process.argv.slice(2);
if (report === undefined) throw new Error('usage: terraform-checks.ts REPORT');
const repository = path.resolve(import.meta.dirname, '../..');
const say = (line: string) => process.stdout.write(`${line}\n`);

const controller = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => controller.abort(new Error(`interrupted by ${name}`)));
}
const installation = await prepareTerraform(say);
const folder = await mkdtemp(path.join(repository, '.work', 'terraform-checks-'));
const project = path.join(folder, 'project');
let provider: SharedProvider | undefined;
try {
  await copyProject(project);
  provider = await startSharedProvider(installation, path.join(folder, 'provider'), {
    signal: controller.signal,
  });
  const folders = (await foldersWithTerraform(project)).filter((folder) => !isAmongTests(folder));
  const planned = await plannedByTests();
  const limit = pLimit(atATime);
  const checks = [
    await checkFormat(),
    await checkPlacesOfTests(),
    ...(await Promise.all(folders.map((folder) => limit(checkFolder, folder, planned)))).flat(),
  ];
  await writeFile(report, JSON.stringify(checks, null, 2));
  if (checks.some(({ passed }) => !passed)) process.exitCode = 1;
} finally {
  await provider?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
}

function terraform(module: string, ...terraformArguments: string[]) {
  say(`${module}: terraform ${terraformArguments.join(' ')}`);
  return runTerraform(installation, terraformArguments, {
    directory: path.join(project, module),
    environment: provider?.environment ?? {},
    signal: controller.signal,
    onLine: (line) => say(`${module}: ${/^\{"@level".*?"@message":(".*?[^\\]")/.exec(line)?.[1] ?? line}`),
  });
}

async function checkPlacesOfTests(): Promise<Check> {
  const misplaced = (await readdir(project, { recursive: true }))
    .filter((file) => isTest(file) && !isAmongTests(path.dirname(file)))
    .map((file) => `${file}: OpenTofu's init reads it here; expected it in test/`);
  return {
    name: 'tests are not where OpenTofu reads them',
    passed: misplaced.length === 0,
    message: misplaced.join('\n'),
  };
}

function isTest(file: string): boolean {
  return /\.tftest\.(hcl|json)$/.test(file);
}

async function checkFormat(): Promise<Check> {
  const { exitCode, stdout, stderr } = await terraform('.', 'fmt', '-check', '-recursive');
  return { name: 'terraform fmt', passed: exitCode === 0, message: `${stdout}\n${stderr}`.trim() };
}

async function checkFolder(folder: string, planned: ReadonlySet<string>): Promise<readonly Check[]> {
  const tests = await testsOf(folder);
  if (tests === undefined && planned.has(folder)) return [];
  const name = `terraform ${tests === undefined ? 'validate' : 'test'} ${folder}`;
  // Also installs the modules that set-ups of tests use.
  const directory = tests === undefined ? [] : [`-test-directory=${tests}`];
  const initialized = await terraform(
    folder,
    'init',
    '-backend=false',
    '-input=false',
    '-no-color',
    ...directory,
  );
  if (initialized.exitCode !== 0) return [{ name, passed: false, message: initialized.stderr }];
  if (tests === undefined) return [await checkValidity(name, folder)];
  const { exitCode, stdout, stderr } = await terraform(folder, 'test', '-json', ...directory);
  const runs = readTerraformTest(stdout, folder);
  if (exitCode === 0 || runs.some(({ passed }) => !passed)) return runs;
  return [...runs, { name, passed: false, message: `${stderr}\n${stdout}`.trim() }];
}

/** Finds the folders that tests of other folders plan: `module { source = "./examples/gitops" }`. */
async function plannedByTests(): Promise<ReadonlySet<string>> {
  const planned = new Set<string>();
  for (const file of (await readdir(project, { recursive: true })).filter(isTest)) {
    const place = path.dirname(file);
    const folder = place === 'test/terraform' ? '.' : path.dirname(place);
    const text = await readFile(path.join(project, file), 'utf8');
    for (const [, source = ''] of text.matchAll(/^ {2}module \{\n {4}source = "(\.[^"]*)"$/gm)) {
      planned.add(path.join(folder, source));
    }
  }
  return planned;
}

async function checkValidity(name: string, folder: string): Promise<Check> {
  const { stdout } = await terraform(folder, 'validate', '-json');
  const { valid, diagnostics } = validationSchema.parse(JSON.parse(stdout));
  const message = diagnostics.map(({ summary, detail }) => `${summary}: ${detail ?? ''}`).join('\n');
  return { name, passed: valid, message };
}

/**
 * Finds the folder with the tests of a folder, relative to it: `test` in a module, and a folder among the project's other tests
 * for the root module.
 */
async function testsOf(folder: string): Promise<string | undefined> {
  for (const place of ['test', 'test/terraform']) {
    const files = await readdir(path.join(project, folder, place)).catch(() => []);
    if (files.some(isTest)) return place;
  }
  return undefined;
}
