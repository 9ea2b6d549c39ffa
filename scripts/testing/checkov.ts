/**
 * Scans the modules, which contain all resources, with checkov. Modules of tests are left out, because nobody deploys them. The
 * root module and the examples only call modules, and checkov would scan each module again for each call, which takes six times
 * as long and adds no check. trivy does scan them.
 *
 *     node scripts/testing/checkov.ts REPORT
 *
 * Works on a copy of the project, without internet access except to install its packages. REPORT gets the checks as JSON; the
 * exit code is 1 if one failed. Fix a finding, or suppress it in place:
 * `# checkov:skip=CKV_…: reason`.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { preparePackages } from '../../test/lab/local-aws/install.ts';
import { readCheckov } from './checks.ts';
import { scanCopy } from './scan.ts';

const [report] = process.argv.slice(2);
if (report === undefined) throw new Error('usage: checkov.ts REPORT');

await scanCopy('checkov', report, async ({ folder, project, signal }) => {
  const environment = await preparePackages({
    name: 'checkov',
    what: 'checkov',
    requirements: path.join(import.meta.dirname, 'checkov-requirements.txt'),
    say: (line) => process.stdout.write(`${line}\n`),
  });
  await promisify(execFile)(
    path.join(environment, 'bin', 'checkov'),
    [
      ...['--directory', path.join(project, 'modules'), '--framework', 'terraform', '--skip-path', '/test/'],
      ...['--skip-download', '--compact', '--soft-fail'],
      ...['--output', 'json', '--output-file-path', folder],
    ],
    {
      cwd: folder,
      env: { ...process.env, CKV_SKIP_PACKAGE_UPDATE_CHECK: 'true' },
      maxBuffer: 64 * 1024 * 1024,
      signal,
    },
  );
  return readCheckov(await readFile(path.join(folder, 'results_json.json'), 'utf8'), project);
});
