import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { build } from 'tsup';
import { z } from 'zod';
import { lazyBuiltins } from './lazy-builtins.ts';
import { leanDependencies } from './lean-dependencies.ts';
import { licences } from './licences.ts';
import { withoutAccounts } from './without-accounts.ts';

const metafileSchema = z.object({
  inputs: z.record(z.string(), z.unknown()),
  outputs: z.record(
    z.string(),
    z.object({ inputs: z.record(z.string(), z.object({ bytesInOutput: z.number() })) }),
  ),
});

export interface Bundle {
  /** Contents by path in the zip: `index.mjs`, `chunks/…`, `LICENSES.txt`. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** The bytes of each source file in the bundle, by path relative to the project's folder. */
  readonly inputs: ReadonlyMap<string, number>;
}

/** Options of every build. */
const common = {
  config: false,
  silent: true,
  platform: 'node',
  noExternal: [/./],
  minify: true,
  keepNames: true,
  sourcemap: false,
  removeNodeProtocol: false,
  metafile: true,
  esbuildPlugins: [leanDependencies],
} as const;

/**
 * Bundles a function and its dependencies into `index.mjs` and one chunk for each dynamic import (and further chunks for code that
 * several of them share), for Lambda's Node 22.
 * @param root the project's folder, whose `.work` gets the intermediate files
 * @param entry the file that exports `handler`, relative to it
 */
export async function bundle(root: string, entry: string): Promise<Bundle> {
  return inFolder(root, async (folder) => {
    await build({
      ...common,
      noExternal: [...common.noExternal],
      esbuildPlugins: [lazyBuiltins, ...common.esbuildPlugins],
      entry: { index: join(root, entry) },
      outDir: folder,
      format: 'esm',
      outExtension: () => ({ js: '.mjs' }),
      target: 'node22',
      tsconfig: join(root, 'tsconfig.json'),
      splitting: true,
      esbuildOptions(options) {
        options.absWorkingDir = root;
        options.chunkNames = 'chunks/[name]-[hash]';
        options.legalComments = 'none';
      },
    });
    const inputs = await inputsIn(join(folder, 'metafile-esm.json'));
    const files = new Map<string, Uint8Array>();
    for (const file of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const path = join(file.parentPath, file.name);
      const name = relative(folder, path).split(sep).join('/');
      if (file.isFile() && !name.startsWith('metafile-')) files.set(name, await readFile(path));
    }
    files.set('LICENSES.txt', new TextEncoder().encode(await licences(root, usedOf(inputs))));
    return { files, inputs };
  });
}

/**
 * Bundles a program and its dependencies into one file for Node 20 or later, in which dynamically imported modules are evaluated
 * when they are needed. A comment at its end contains the licenses of its packages.
 * @param root the project's folder
 * @param entry the file that runs, relative to it
 * @returns its text
 */
export async function bundleProgram(root: string, entry: string): Promise<string> {
  return inFolder(root, async (folder) => {
    await build({
      ...common,
      noExternal: [...common.noExternal],
      esbuildPlugins: [withoutAccounts, ...common.esbuildPlugins],
      entry: { program: join(root, entry) },
      outDir: folder,
      // CommonJS packages load Node's built-in modules with `require`.
      format: 'cjs',
      outExtension: () => ({ js: '.cjs' }),
      target: 'node20',
      tsconfig: join(root, 'tsconfig.json'),
      splitting: false,
      esbuildOptions(options) {
        options.absWorkingDir = root;
        options.legalComments = 'none';
      },
    });
    const inputs = await inputsIn(join(folder, 'metafile-cjs.json'));
    const code = await readFile(join(folder, 'program.cjs'), 'utf8');
    const texts = (await licences(root, usedOf(inputs))).replaceAll('*/', '* /');
    return `#!/usr/bin/env node\n${code.trimEnd()}\n/*\n${texts}*/\n`;
  });
}

/** Runs work in its own folder below `.work`, and removes the folder afterwards. */
async function inFolder<T>(root: string, work: (folder: string) => Promise<T>): Promise<T> {
  await mkdir(join(root, '.work'), { recursive: true });
  const folder = await mkdtemp(join(root, '.work', 'bundle-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The bytes of each source file in a build. */
async function inputsIn(metafile: string): Promise<Map<string, number>> {
  const { outputs } = metafileSchema.parse(JSON.parse(await readFile(metafile, 'utf8')));
  const inputs = new Map<string, number>();
  for (const output of Object.values(outputs)) {
    for (const [input, { bytesInOutput }] of Object.entries(output.inputs)) {
      inputs.set(input, (inputs.get(input) ?? 0) + bytesInOutput);
    }
  }
  return inputs;
}

function usedOf(inputs: ReadonlyMap<string, number>): string[] {
  return [...inputs].flatMap(([input, bytes]) => (bytes > 0 ? [input] : []));
}
