import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from '@cdktn/hcl2json';
import { z } from 'zod';

const modules = path.resolve(import.meta.dirname, '../../modules');

/**
 * The folders that hold the types of the inputs that a module takes as `any`, so that misspelled words in them can be
 * found, by module; of two types of the same input the first counts. The root passes its inputs on.
 */
export const typedFolders: ReadonlyMap<string, readonly string[]> = new Map([
  ['root', ['per-region/typed', '_settings/typed', '_custom-rules/typed']],
  ['central', ['_settings/typed', '_custom-rules/typed']],
  ['custom-rules', ['_custom-rules/typed']],
  ['per-region', ['per-region/typed']],
  ['target', ['target/typed', '_custom-rules/typed']],
  ['target-stackset', ['target-stackset/typed', '_custom-rules/typed']],
]);

/** The only block of its name; hcl2json gives lists of blocks. */
export const block = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.tuple([z.object(shape)]).transform(([only]) => only);
const fileSchema = z.object({ variable: z.record(z.string(), block({ type: z.string() })).default({}) });

/** The types of the inputs that are objects, in Terraform's words, by name. */
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
