import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundle } from '../../../scripts/packaging/bundle.ts';
import { zip } from '../../../scripts/packaging/zip.ts';

const repository = path.resolve(import.meta.dirname, '../../..');
const entry = 'lambdas/remediator/index.ts';

let folder: string;

beforeAll(async () => {
  await mkdir(path.join(repository, '.work'), { recursive: true });
  folder = await mkdtemp(path.join(repository, '.work', 'build-elsewhere-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** A copy of the sources and of the packages that could be bundled, in another folder. */
async function copyOfTheProject(name: string): Promise<string> {
  const copy = path.join(folder, name);
  const unused = /node_modules\/(node|typescript|@typescript|@biomejs|@cloud-copilot)$|\/dist-(types|cjs)$/;
  for (const part of ['lambdas', 'node_modules', 'package.json', 'tsconfig.json']) {
    await cp(path.join(repository, part), path.join(copy, part), {
      recursive: true,
      filter: (source) => !unused.test(source.slice(repository.length)),
    });
  }
  return copy;
}

test('the build produces the same bytes in another folder', async () => {
  const built = await bundle(repository, entry);
  const copy = await copyOfTheProject(path.join('a', 'deeper', 'folder with spaces'));

  const other = await bundle(copy, entry);

  expect([...other.files.keys()].sort()).toEqual([...built.files.keys()].sort());
  expect(Buffer.from(zip(other.files)).equals(zip(built.files))).toBe(true);
});
