import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { accountClients } from '../../../scripts/packaging/without-accounts.ts';

const root = path.resolve(import.meta.dirname, '../../..');

/** Finds the static imports of a file, which load with it. */
const STATIC = /^import (?!type )[^;]*? from '([^']+)';/gm;

test('the clients that the command line omits are only loaded to read or change something in an account', async () => {
  const folders = ['cli', 'lambdas/model', 'lambdas/aws', 'lambdas/changes'];
  const files = (
    await Promise.all(
      folders.map(async (folder) =>
        (
          await readdir(path.join(root, folder), { recursive: true })
        )
          .filter((file) => file.endsWith('.ts'))
          .map((file) => path.join(root, folder, file)),
      ),
    )
  ).flat();

  const loaded = await Promise.all(
    files.map(async (file) =>
      [...(await readFile(file, 'utf8')).matchAll(STATIC)]
        .map(([, from = '']) => path.resolve(path.dirname(file), from))
        .filter((target) => accountClients.test(target))
        .map((target) => `${path.relative(root, file)} loads ${path.basename(target)}`),
    ),
  );

  expect(files.length).toBeGreaterThan(150);
  expect(loaded.flat()).toEqual([]);
});
