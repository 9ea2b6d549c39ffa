import { readdir } from 'node:fs/promises';
import path from 'node:path';

/** Finds the folders of a project that contain Terraform files, including those of tests. */
export async function foldersWithTerraform(project: string): Promise<readonly string[]> {
  const files = (await readdir(project, { recursive: true })).filter((file) => file.endsWith('.tf'));
  return [...new Set(files.map((file) => path.dirname(file)))].sort();
}

/** Reports whether a file or folder of the project belongs to tests. */
export function isAmongTests(place: string): boolean {
  return place.split(path.sep).includes('test');
}
