/**
 * Builds the functions' zips and the command line, byte for byte the same on any machine.
 *
 *     node scripts/build.ts           write dist/*
 *     node scripts/build.ts --check   change nothing; exit 1 and say what is stale
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle, bundleProgram } from './packaging/bundle.ts';
import { unzip, zip } from './packaging/zip.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const functions = ['collector', 'remediator'];
const program = 'dist/cspm-remediation.cjs';

function kilobytes(bytes: number): string {
  return `${Math.ceil(bytes / 1000)} kB`;
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Lists the files that differ between two zips, or are only in one of them. */
function differences(
  built: ReadonlyMap<string, Uint8Array>,
  kept: ReadonlyMap<string, Uint8Array>,
): string[] {
  return [...new Set([...built.keys(), ...kept.keys()])].sort().filter((name) => {
    const [a, b] = [built.get(name), kept.get(name)];
    return a === undefined || b === undefined || !Buffer.from(a).equals(b);
  });
}

async function staleness(
  zipName: string,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<string | undefined> {
  const kept = await readIfThere(join(root, zipName));
  if (kept === undefined) return `${zipName} is missing`;
  if (Buffer.from(zip(files)).equals(kept)) return undefined;
  const names = differences(files, unzip(kept));
  return `${zipName} is stale: ${names.slice(0, 5).join(', ') || 'the zip itself'}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`;
}

const isCheck = process.argv.includes('--check');
const stale: string[] = [];
for (const name of functions) {
  const zipName = `dist/${name}.zip`;
  const { files } = await bundle(root, `lambdas/${name}/index.ts`);
  if (isCheck) {
    const reason = await staleness(zipName, files);
    if (reason !== undefined) stale.push(reason);
    continue;
  }
  const bytes = zip(files);
  await mkdir(join(root, 'dist'), { recursive: true });
  await writeFile(join(root, zipName), bytes);
  const unpacked = [...files.values()].reduce((sum, { length }) => sum + length, 0);
  process.stdout.write(
    `${zipName}: ${kilobytes(bytes.length)}, ${files.size} files, ${kilobytes(unpacked)} unpacked\n`,
  );
}
const text = new TextEncoder().encode(await bundleProgram(root, 'cli/index.ts'));
if (isCheck) {
  const kept = await readIfThere(join(root, program));
  if (kept === undefined || !Buffer.from(kept).equals(text)) stale.push(`${program} is stale`);
} else {
  await writeFile(join(root, program), text, { mode: 0o755 });
  process.stdout.write(`${program}: ${kilobytes(text.length)}\n`);
}
if (stale.length > 0) {
  process.stderr.write(`${stale.join('\n')}\nRun \`npm run generate\` and commit what it wrote.\n`);
  process.exitCode = 1;
}
