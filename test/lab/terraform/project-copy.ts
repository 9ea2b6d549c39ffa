import { cp, mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';

const repository = path.resolve(import.meta.dirname, '../../..');
const made = /^(node_modules|\.git|\.work|\.terraform.*|.*\.tfstate.*|__pycache__)$/;
/** Generated folders at the top level; deeper ones of these names contain code. */
const madeAtRoot = new Set(['coverage', 'reports', 'build']);

/**
 * Copies the project without generated and installed files, so that Terraform's working files stay out of it and two
 * runs do not share them; relative paths of module sources, `dist/` and mocks are the same as in the project.
 * @param destination created if it does not exist
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
