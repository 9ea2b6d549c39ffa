import { cp, mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';

const repository = path.resolve(import.meta.dirname, '../../..');
const made = /^(node_modules|\.git|\.work|\.terraform.*|.*\.tfstate.*|__pycache__)$/;
/** Folders that are made in the project's own folder; deeper ones of these names hold code. */
const madeAtRoot = new Set(['coverage', 'reports', 'build']);

/**
 * Copies the project without what is made or installed in it, so that Terraform's working files stay out of it and two
 * runs don't share them; module sources, `dist/` and mocks stand to each other as in the project.
 * @param destination made when it does not exist
 */
export async function copyProject(destination: string): Promise<void> {
  await mkdir(destination, { recursive: true });
  for (const name of await readdir(repository)) {
    if (made.test(name) || madeAtRoot.has(name)) continue; // The copy itself may be in one of these.
    await cp(path.join(repository, name), path.join(destination, name), {
      recursive: true,
      filter: (source) => !made.test(path.basename(source)),
    });
  }
}
