import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from '@cdktn/hcl2json';
import { z } from 'zod';

const modules = path.resolve(import.meta.dirname, '../../modules');

/**
 * The folders with the types of the inputs that a module declares as `any`, so that misspelled attributes can be found, by module.
 * If an input has two types, the first one is used. The root module passes its inputs on.
 */
export const typedFolders: ReadonlyMap<string, readonly string[]> = new Map([
  ['root', ['per-region/typed', '_settings/typed', '_custom-rules/typed']],
  ['central', ['_settings/typed', '_custom-rules/typed']],
  ['custom-rules', ['_custom-rules/typed']],
  ['per-region', ['per-region/typed']],
  ['target', ['target/typed', '_custom-rules/typed']],
  ['target-stackset', ['target-stackset/typed', '_custom-rules/typed']],
]);

/** Schema of a block that occurs once, because hcl2json returns lists of blocks. */
export const block = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.tuple([z.object(shape)]).transform(([only]) => only);
const fileSchema = z.object({ variable: z.record(z.string(), block({ type: z.string() })).default({}) });

/** Reads the types of object inputs, as written in Terraform, by name. */
export async function typesIn(folders: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const types = new Map<string, string>();
  for (const folder of folders) {
    const files = (await readdir(path.join(modules, folder))).filter((name) => name.endsWith('.tf')).sort();
    for (const name of files) {
      const file = path.join(modules, folder, name);
      const { variable } = fileSchema.parse(await parse(file, await readFile(file, 'utf8')));
      for (const [input, { type }] of Object.entries(variable)) {
        const written = type.replace(/^\$\{|\}$/g, '');
        if (written.includes('object(') && !types.has(input)) types.set(input, written);
      }
    }
  }
  return types;
}
