import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { MODULE_VERSION } from '../../../lambdas/model/module-version.ts';

const repository = path.resolve(import.meta.dirname, '../../..');
const read = (file: string): Promise<string> => readFile(path.join(repository, file), 'utf8');
const versioned = z.object({ version: z.string() });

async function versionIn(file: string): Promise<string> {
  return versioned.parse(JSON.parse(await read(file))).version;
}

test('functions, modules, package and changelog have the same version', async () => {
  const released = /^## \[(\d+\.\d+\.\d+)\]/m.exec(await read('CHANGELOG.md'))?.[1];

  expect(MODULE_VERSION).toBe(await versionIn('package.json'));
  expect(await versionIn('package-lock.json')).toBe(MODULE_VERSION);
  expect(await versionIn('modules/catalog.json')).toBe(MODULE_VERSION);
  expect(released).toBe(MODULE_VERSION);
});

test('documents and examples use the tag of that version', async () => {
  const below = async (folder: string) =>
    (await readdir(path.join(repository, folder), { recursive: true })).map((file) =>
      path.join(folder, file),
    );
  const files = ['README.md', ...(await Promise.all(['docs', 'examples', 'modules'].map(below))).flat()];
  const texts = await Promise.all(
    files.filter((file) => /^(?!.*\.terraform\/).*\.(md|tf)$/.test(file)).map(read),
  );

  const tags = texts.flatMap((text) => [...text.matchAll(/\?ref=v(\d+\.\d+\.\d+)/g)].map(([, tag]) => tag));

  expect(tags.length).toBeGreaterThan(10);
  expect(new Set(tags)).toEqual(new Set([MODULE_VERSION]));
  // The same form everywhere, so that readers replace the same text in each.
  const sources = texts.flatMap((text) => [...text.matchAll(/git::[^"?]+\.git/g)].map(([source]) => source));
  expect(new Set(sources)).toEqual(
    new Set(['git::https://github.com/your-organization/cspm-auto-remediation.git']),
  );
});

test('SECURITY.md names that version as supported', async () => {
  const supported = /currently (\d+\.\d+)\b/.exec(await read('SECURITY.md'))?.[1];

  expect(supported).toBe(MODULE_VERSION.split('.').slice(0, 2).join('.'));
});
