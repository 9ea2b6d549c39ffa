/**
 * Looks for what checkov finds unsafe in the Terraform files of the root, the modules and the examples; those of tests
 * are deployed by nobody.
 *
 *     node scripts/testing/checkov.ts REPORT
 *
 * Works on a copy of the project and asks nobody on the internet, but for its packages the first time. REPORT gets the
 * checks as JSON; the exit code is 1 when one failed. A finding is mended, or suppressed where it is:
 * `# checkov:skip=CKV_…: reason`.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { preparePackages } from '../../test/lab/local-aws/install.ts';
import { copyProject } from '../../test/lab/terraform/index.ts';
import { readCheckov } from './checks.ts';

const [report] = process.argv.slice(2);
if (report === undefined) throw new Error('usage: checkov.ts REPORT');
const repository = path.resolve(import.meta.dirname, '../..');
const say = (line: string) => process.stdout.write(`${line}\n`);

const controller = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => controller.abort(new Error(`interrupted by ${name}`)));
}
const environment = await preparePackages({
  name: 'checkov',
  what: 'checkov',
  requirements: path.join(import.meta.dirname, 'checkov-requirements.txt'),
  say,
});
await mkdir(path.join(repository, '.work'), { recursive: true });
const folder = await mkdtemp(path.join(repository, '.work', 'checkov-run-'));
const project = path.join(folder, 'project');
try {
  await copyProject(project);
  await promisify(execFile)(
    path.join(environment, 'bin', 'checkov'),
    [
      ...['--directory', project, '--framework', 'terraform', '--skip-path', '/tests?/'],
      ...['--skip-download', '--compact', '--soft-fail'],
      ...['--output', 'json', '--output-file-path', folder],
    ],
    {
      cwd: folder,
      env: { ...process.env, CKV_SKIP_PACKAGE_UPDATE_CHECK: 'true' },
      maxBuffer: 64 * 1024 * 1024,
      signal: controller.signal,
    },
  );
  const checks = readCheckov(await readFile(path.join(folder, 'results_json.json'), 'utf8'), project);
  const failed = checks.filter(({ passed }) => !passed);
  for (const { name, message } of failed) say(`${name}: ${message}`);
  say(`${checks.length - failed.length} passed, ${failed.length} failed`);
  await writeFile(report, JSON.stringify(checks, null, 2));
  if (failed.length > 0) process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
