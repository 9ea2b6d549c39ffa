import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { build } from 'tsup';
import { z } from 'zod';
import { leanDependencies } from './lean-dependencies.ts';
import { licences } from './licences.ts';

const metafileName = 'metafile-esm.json';
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
  /** Bytes that each source file has in the bundle, by its path relative to the project's folder. */
  readonly inputs: ReadonlyMap<string, number>;
}

/**
 * Bundles a function with all that it needs into `index.mjs` and one chunk for each dynamic import (with what
 * several of them share in further chunks), for Node 22 as Lambda runs it.
 * @param root the project's folder; its `.work` takes the intermediate files
 * @param entry the file that exports `handler`, relative to it
 */
export async function bundle(root: string, entry: string): Promise<Bundle> {
  await mkdir(join(root, '.work'), { recursive: true });
  const folder = await mkdtemp(join(root, '.work', 'bundle-'));
  try {
    await build({
      config: false,
      silent: true,
      entry: { index: join(root, entry) },
      outDir: folder,
      format: 'esm',
      outExtension: () => ({ js: '.mjs' }),
      platform: 'node',
      target: 'node22',
      tsconfig: join(root, 'tsconfig.json'),
      noExternal: [/./],
      splitting: true,
      minify: true,
      keepNames: true,
      sourcemap: false,
      removeNodeProtocol: false,
      metafile: true,
      esbuildPlugins: [leanDependencies],
      esbuildOptions(options) {
        options.absWorkingDir = root;
        options.chunkNames = 'chunks/[name]-[hash]';
        options.legalComments = 'none';
      },
    });
    const metafile = metafileSchema.parse(JSON.parse(await readFile(join(folder, metafileName), 'utf8')));
    const inputs = new Map<string, number>();
    for (const output of Object.values(metafile.outputs)) {
      for (const [input, { bytesInOutput }] of Object.entries(output.inputs)) {
        inputs.set(input, (inputs.get(input) ?? 0) + bytesInOutput);
      }
    }
    const files = new Map<string, Uint8Array>();
    for (const file of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const path = join(file.parentPath, file.name);
      const name = relative(folder, path).split(sep).join('/');
      if (file.isFile() && name !== metafileName) files.set(name, await readFile(path));
    }
    const used = [...inputs].flatMap(([input, bytes]) => (bytes > 0 ? [input] : []));
    files.set('LICENSES.txt', new TextEncoder().encode(await licences(root, used)));
    return { files, inputs };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
