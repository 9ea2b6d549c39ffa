/**
 * Checks the style of every folder with Terraform files with tflint, whose rules are in `.tflint.hcl`.
 *
 *     node scripts/testing/tflint.ts REPORT
 *
 * Uses an installed tflint, or builds it once with Go, in `.work/`. No npm or PyPI package contains it, so a machine with only
 * what README.md requires cannot run this, and `npm test` does not include it. REPORT gets the checks as JSON; the exit code is 1
 * if one failed. Fix an issue, or ignore it in place: `# tflint-ignore: rule # reason`.
 */
import { execFile } from 'node:child_process';
import { access, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { readTflint } from './checks-of-tflint.ts';
import { foldersWithTerraform, isAmongTests } from './folders.ts';
import { scanCopy } from './scan.ts';

const source = 'github.com/terraform-linters/tflint';
const version = 'v0.64.0';
const run = promisify(execFile);

const [report] = process.argv.slice(2);
if (report === undefined) throw new Error('usage: tflint.ts REPORT');

await scanCopy('tflint', report, async ({ project, signal }) => {
  const binary = await tflintBinary(signal);
  const folders = await foldersWithTerraform(project);
  // Modules of tests are not for users, and tflint cannot exclude a folder.
  await Promise.all(
    folders.filter(isAmongTests).map((folder) => rm(path.join(project, folder), { recursive: true })),
  );
  const { stdout } = await run(
    binary,
    ['--recursive', '--force', '--format', 'json', '--config', path.join(project, '.tflint.hcl')],
    { cwd: project, maxBuffer: 64 * 1024 * 1024, signal },
  );
  return readTflint(
    stdout,
    folders.filter((folder) => !isAmongTests(folder)),
  );
});

async function tflintBinary(signal: AbortSignal): Promise<string> {
  if (await runs('tflint', '--version')) return 'tflint';
  const folder = path.resolve(import.meta.dirname, '../../.work', `tflint-${version}`);
  const binary = path.join(folder, 'tflint');
  if (
    await access(binary).then(
      () => true,
      () => false,
    )
  )
    return binary;
  if (!(await runs('go', 'version'))) {
    throw new Error('neither tflint nor Go is in the PATH: install tflint, or Go to build it');
  }
  process.stdout.write(`building tflint ${version}, which takes some minutes\n`);
  await mkdir(folder, { recursive: true });
  await run('go', ['install', `${source}@${version}`], {
    env: { ...process.env, GOBIN: folder, CGO_ENABLED: '0' },
    maxBuffer: 64 * 1024 * 1024,
    signal,
  });
  return binary;
}

async function runs(command: string, argument: string): Promise<boolean> {
  return await run(command, [argument]).then(
    () => true,
    () => false,
  );
}
