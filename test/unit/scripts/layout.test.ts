import { access, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { EXEMPTION_TAG } from '../../../lambdas/model/exemption-tag.ts';

const repository = path.resolve(import.meta.dirname, '../../..');
/** Generated or installed folders, or those that do not interest readers. */
const unlisted = /^(node_modules|coverage|reports|build|\.(?!ci$|github$).*)$/;

async function folders(place: string): Promise<readonly string[]> {
  const entries = await readdir(path.join(repository, place), { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && !unlisted.test(entry.name))
    .map(({ name }) => name)
    .sort();
}

/** The folders in the first column of the table in docs/architecture.md, "Layout". */
async function placesInTheTable(): Promise<readonly string[]> {
  const text = await readFile(path.join(repository, 'docs/architecture.md'), 'utf8');
  const [, section = ''] = /^## Layout$(.*?)^## /ms.exec(text) ?? [];
  const cells = [...section.matchAll(/^\| (`[^|]*`) \|/gm)].map(([, cell = '']) => cell);
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)\/`/g)].map(([, place = '']) => place)).sort();
}

test('the table of folders in docs/architecture.md is complete, and every folder exists', async () => {
  const top = await folders('.');
  const within = await Promise.all(
    ['lambdas', 'test'].map(async (place) => (await folders(place)).map((name) => `${place}/${name}`)),
  );

  expect(await placesInTheTable()).toEqual(
    [...top.filter((name) => name !== 'lambdas' && name !== 'test'), ...within.flat()].sort(),
  );
});

test('unit tests are in the folders of the code that they test', async () => {
  const tested = async (place: string): Promise<readonly string[]> =>
    (await folders(`test/unit/${place}`)).filter((name) => name !== 'support');
  const rooms = (await tested('.')).filter((name) => name !== 'scripts');

  expect([...(await folders('lambdas')), 'cli']).toEqual(expect.arrayContaining(rooms));
  for (const room of rooms) {
    const place = room === 'cli' ? room : `lambdas/${room}`;
    expect(await folders(place)).toEqual(expect.arrayContaining([...(await tested(room))]));
  }
});

test('each part of the laboratory has tests next to it', async () => {
  // Mocks of Terraform's tests are data.
  const parts = (await folders('test/lab')).filter((name) => name !== 'aws-mocks');

  for (const part of parts) {
    const files = await readdir(path.join(repository, 'test/lab', part), { recursive: true });
    expect(
      files.some((file) => file.endsWith('.test.ts')),
      part,
    ).toBe(true);
  }
});

/** The files in the second column of the table in CONTRIBUTING.md, "Add a source of findings". */
async function filesOfASource(): Promise<readonly string[]> {
  const text = await readFile(path.join(repository, 'CONTRIBUTING.md'), 'utf8');
  const [, section = ''] = /^## Add a source of findings$(.*?)^## /ms.exec(text) ?? [];
  return [...section.matchAll(/`((?:lambdas|modules)\/[^`]+)`/g)].map(([, file = '']) => file);
}

test('a source of findings takes at most six files, which exist for Netskope', async () => {
  const files = await filesOfASource();

  expect(files.length).toBeGreaterThan(3);
  expect(new Set(files).size).toBeLessThanOrEqual(6);
  for (const file of files) {
    const text = await readFile(path.join(repository, file.replace('<source>', 'netskope')), 'utf8');
    expect(text).toMatch(/netskope/i);
  }
});

test('no change that CONTRIBUTING.md lists takes more than six files, and all exist', async () => {
  const text = await readFile(path.join(repository, 'CONTRIBUTING.md'), 'utf8');
  const [, section = ''] = /^## Where other changes go$(.*?)^## /ms.exec(text) ?? [];
  const rows = section.split('\n').filter((line) => line.startsWith('| ') && line.includes('`'));

  expect(rows.length).toBeGreaterThan(5);
  for (const row of rows) {
    const files = [...row.matchAll(/`([^`]+\.(?:ts|tf|md))`/g)].map(([, file = '']) => file);
    expect(files.length, row).toBeLessThanOrEqual(6);
    for (const file of files.filter((name) => !name.includes('<'))) {
      await expect(access(path.join(repository, file)), file).resolves.toBeUndefined();
    }
  }
});

test('the key of the exemption tag is in code only where CONTRIBUTING.md says', async () => {
  const text = await readFile(path.join(repository, 'CONTRIBUTING.md'), 'utf8');
  const [row = ''] = /^\| the exemption tag's key .*$/m.exec(text) ?? [];
  const listed = [...row.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file);
  const places = ['lambdas', 'cli', 'scripts', 'demo', 'modules', 'examples'];
  const files = await Promise.all(
    places.map(async (place) =>
      (await readdir(path.join(repository, place), { recursive: true })).map((file) =>
        path.join(place, file),
      ),
    ),
  );
  const holding: string[] = [];
  for (const file of files
    .flat()
    .filter((name) => /\.(ts|tf)$/.test(name) && !name.includes('.terraform/'))) {
    if ((await readFile(path.join(repository, file), 'utf8')).includes(EXEMPTION_TAG)) holding.push(file);
  }

  expect(holding).toEqual(listed.filter((file) => file.endsWith('.ts')));
});

test('the first example has fewer than 25 lines', async () => {
  const text = await readFile(path.join(repository, 'examples/single-account/main.tf'), 'utf8');

  expect(text.trimEnd().split('\n').length).toBeLessThan(25);
});

test('a region takes at most six lines in the organization example', async () => {
  const example = path.join(repository, 'examples/organization');
  const names = (await readdir(example)).filter((name) => /\.tf(\.json)?$/.test(name));

  const texts = await Promise.all(names.map((name) => readFile(path.join(example, name), 'utf8')));

  const lines = texts.flatMap((text) => text.split('\n')).filter((line) => /us[-_]west[-_]2/.test(line));
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.length).toBeLessThanOrEqual(6);
});

/** The files of lambdas with their lines. */
async function codeOfLambdas(): Promise<readonly { readonly file: string; readonly text: string }[]> {
  const files = await readdir(path.join(repository, 'lambdas'), { recursive: true });
  const sources = files.filter((file) => file.endsWith('.ts'));
  return Promise.all(
    sources.map(async (file) => ({
      file,
      text: await readFile(path.join(repository, 'lambdas', file), 'utf8'),
    })),
  );
}

const linesOf = (text: string): number => text.trimEnd().split('\n').length;

test('no file in lambdas has more than 250 lines, and no function more than 60, including nested ones', async () => {
  const code = await codeOfLambdas();
  // The formatter ends a function's body at its own indentation.
  const functions = code.flatMap(({ file, text }) => [
    ...[...text.matchAll(/^(?:export )?(?:async )?function .*?^\}/gms)].map(([body]) => ({ file, body })),
    ...[...text.matchAll(/^ {2}(?:async |static |get )*#?\w+\([^;]*?\{$.*?^ {2}\}/gms)].map(([body]) => ({
      file,
      body,
    })),
  ]);
  const long = [
    ...code.filter(({ text }) => linesOf(text) > 250).map(({ file }) => file),
    ...functions
      .filter(({ body }) => linesOf(body) > 60)
      .map(({ file, body }) => `${file}: ${body.split('\n')[0]}`),
  ];

  expect(functions.length).toBeGreaterThan(500);
  expect(long).toEqual([]);
});
