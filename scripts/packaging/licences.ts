import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const packageSchema = z.object({ name: z.string(), version: z.string(), license: z.string().optional() });

/** The folder of the installed package to which a bundled file belongs; undefined for this project's files. */
export function packageFolder(file: string): string | undefined {
  return /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0];
}

/**
 * The license texts of all packages in a bundle. The licenses require every copy to contain them.
 * @param root the project's folder
 * @param files the bundled files, relative to it
 */
export async function licences(root: string, files: readonly string[]): Promise<string> {
  const folders = [...new Set(files.map(packageFolder).filter((folder) => folder !== undefined))].sort();
  const packagesByText = new Map<string, string[]>();
  for (const folder of folders) {
    const text = await readFile(join(root, folder, 'package.json'), 'utf8');
    const { name, version, license } = packageSchema.parse(JSON.parse(text));
    const names = (await readdir(join(root, folder))).filter((file) => /^licen[cs]e(\.\w+)?$/i.test(file));
    const texts = await Promise.all(names.sort().map((file) => readFile(join(root, folder, file), 'utf8')));
    const licence = texts.join('\n').trim() || `Licence: ${license ?? 'not stated'}`;
    packagesByText.set(licence, [...(packagesByText.get(licence) ?? []), `${name} ${version}`]);
  }
  return [...packagesByText]
    .map(([text, packages]) => `${packages.join(', ')}\n\n${text}\n`)
    .join(`\n${'-'.repeat(80)}\n\n`);
}
