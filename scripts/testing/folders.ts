import { readdir } from 'node:fs/promises';
import path from 'node:path';

/** The folders of a project that hold Terraform files, those among tests too: each found, none listed. */
export async function foldersWithTerraform(project: string): Promise<readonly string[]> {
  const files = (await readdir(project, { recursive: true })).filter((file) => file.endsWith('.tf'));
  return [...new Set(files.map((file) => path.dirname(file)))].sort();
}

/** Reports whether a file or folder of the project is a test or belongs to one. */
export function isAmongTests(place: string): boolean {
  return place.split(path.sep).includes('test');
}
