import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');

/** The text of a file of the project; empty if it is not there yet. */
export async function readOrEmpty(file: string): Promise<string> {
  try {
    return await readFile(path.join(root, file), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}

/**
 * Writes generated files where they are stale. With `--check` on the command line it changes nothing, names them, and the
 * exit code becomes 1.
 * @param what what they are, in words
 * @param wanted their texts, by paths from the project's root
 */
export async function writeGenerated(what: string, wanted: ReadonlyMap<string, string>): Promise<void> {
  const stale: string[] = [];
  for (const [file, text] of wanted) {
    if ((await readOrEmpty(file)) !== text) stale.push(file);
  }
  const names = stale.join(', ');
  if (process.argv.includes('--check')) {
    if (stale.length === 0) return;
    process.stderr.write(`stale: ${names}. Run \`npm run generate\` and commit what it wrote.\n`);
    process.exitCode = 1;
    return;
  }
  for (const file of stale) {
    const place = path.join(root, file);
    await mkdir(path.dirname(place), { recursive: true });
    await writeFile(place, wanted.get(file) ?? '');
  }
  process.stdout.write(`${what}: ${stale.length === 0 ? 'nothing changed' : `wrote ${names}`}\n`);
}
