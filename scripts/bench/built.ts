import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { bundle } from '../packaging/bundle.ts';
import { unzip, zip } from '../packaging/zip.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const invokeScript = fileURLToPath(new URL('invoke.mjs', import.meta.url));

/** A function as it is deployed: its unpacked zip. */
export interface BuiltFunction {
  readonly zipBytes: number;
  readonly folder: string;
}

/** Builds both functions from the current sources, and unpacks their zips below `.work/`. */
export async function buildFunctions() {
  await mkdir(path.join(root, '.work'), { recursive: true });
  const work = await mkdtemp(path.join(root, '.work', 'bench-'));
  const build = async (name: string): Promise<BuiltFunction> => {
    const { files } = await bundle(root, `lambdas/${name}/index.ts`);
    const bytes = zip(files);
    const folder = path.join(work, name);
    for (const [file, contents] of unzip(bytes)) {
      await mkdir(path.dirname(path.join(folder, file)), { recursive: true });
      await writeFile(path.join(folder, file), contents);
    }
    return { zipBytes: bytes.length, folder };
  };
  return {
    collector: await build('collector'),
    remediator: await build('remediator'),
    remove: () => rm(work, { recursive: true, force: true }),
  };
}

const invocationSchema = z.object({
  milliseconds: z.number(),
  /** The CPU time from the first import on, which depends less on what else the machine does. */
  cpuMilliseconds: z.number(),
  /** The peak memory of the process, in bytes. */
  maxRss: z.number(),
  result: z.unknown(),
});
export type BuiltInvocation = z.infer<typeof invocationSchema>;

async function run(
  script: string,
  environment: Readonly<Record<string, string>>,
  nodeOptions: readonly string[] = [],
): Promise<string> {
  const child = spawn(process.execPath, [...nodeOptions, script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { NODE_NO_WARNINGS: '1', ...environment },
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  await once(child, 'close');
  const last = output.trimEnd().split('\n').at(-1) ?? '';
  if (child.exitCode !== 0) throw new Error(`${path.basename(script)} failed: ${output}`);
  return last;
}

/** Invokes a built function once, in its own process. */
export async function invokeBuilt(
  built: BuiltFunction,
  event: unknown,
  environment: Readonly<Record<string, string>>,
  nodeOptions: readonly string[] = [],
): Promise<BuiltInvocation> {
  const output = await run(
    invokeScript,
    { ...environment, FUNCTION: built.folder, EVENT: JSON.stringify(event) },
    nodeOptions,
  );
  return invocationSchema.parse(JSON.parse(output));
}
