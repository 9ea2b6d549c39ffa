import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const repository = path.resolve(import.meta.dirname, '../../..');
const read = (file: string): Promise<string> => readFile(path.join(repository, file), 'utf8');

/** The files that a user of the module gets: the module, its parts and examples, the functions, and the documents. */
const FOR_USERS = [
  ...['CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE', 'README.md', 'SECURITY.md'],
  ...['main.tf', 'outputs.tf', 'variables.tf', 'versions.tf'],
  ...['dist', 'docs', 'examples', 'modules'],
];

test('an archive of a release contains only what users of the module need', async () => {
  const left = [...(await read('.gitattributes')).matchAll(/^\/(\S+) export-ignore$/gm)].map(
    ([, name]) => name,
  );
  const { stdout } = await promisify(execFile)('git', ['ls-files'], { cwd: repository, maxBuffer: 2 ** 24 });

  const top = new Set(
    stdout
      .trim()
      .split('\n')
      .map((file) => file.replace(/\/.*/, '')),
  );
  const kept = [...top].filter((name) => !left.includes(name));

  expect(kept.sort()).toEqual([...FOR_USERS].sort());
});

test('one command writes all generated files, except for the table that comes from the network', async () => {
  const [, list = ''] = /const generators = \[(.*?)\];/s.exec(await read('scripts/generate.ts')) ?? [];
  const generators = [...list.matchAll(/'([^']+)'/g)].map(([, name]) => name);
  const scripts = (await readdir(path.join(repository, 'scripts'))).filter((name) => name.endsWith('.ts'));
  const writing: string[] = [];
  for (const name of scripts) {
    if (/^import .*\bwriteGenerated\b/m.test(await read(`scripts/${name}`))) writing.push(name);
  }

  expect([...generators].sort()).toEqual(
    [...writing.filter((name) => name !== 'resource-types.ts'), 'build.ts'].sort(),
  );
});
