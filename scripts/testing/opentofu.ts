/**
 * Initializes and validates every folder with Terraform files with OpenTofu, as in a plain checkout.
 *
 *     node scripts/testing/opentofu.ts REPORT
 *
 * Needs `tofu` in the PATH, and gets the provider according to its configuration. REPORT gets the checks as JSON; the exit code is
 * 1 if one failed.
 */
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { Check } from './checks.ts';
import { foldersWithTerraform, isAmongTests } from './folders.ts';
import { scanCopy } from './scan.ts';

const [report] = process.argv.slice(2);
if (report === undefined) throw new Error('usage: opentofu.ts REPORT');

const failureSchema = z.object({ stdout: z.string(), stderr: z.string() });

await scanCopy('opentofu', report, async ({ folder, project, signal }) => {
  const plugins = path.join(folder, 'plugins');
  await mkdir(plugins);

  async function tofu(directory: string, ...words: string[]): Promise<string | undefined> {
    process.stdout.write(`${directory}: tofu ${words.join(' ')}\n`);
    const environment = { ...process.env, TF_IN_AUTOMATION: '1', TF_PLUGIN_CACHE_DIR: plugins };
    const options = { cwd: path.join(project, directory), env: environment, signal };
    return promisify(execFile)('tofu', [...words, '-no-color'], options).then(
      () => undefined,
      (error: unknown) => {
        const said = failureSchema.safeParse(error);
        if (!said.success || `${said.data.stdout}${said.data.stderr}` === '') throw error;
        return `${said.data.stdout}\n${said.data.stderr}`.trim();
      },
    );
  }

  process.stdout.write(`${(await promisify(execFile)('tofu', ['version'])).stdout}`);
  const checks: Check[] = [];
  for (const directory of await foldersWithTerraform(project)) {
    if (isAmongTests(directory)) continue;
    const failure =
      (await tofu(directory, 'init', '-backend=false', '-input=false')) ??
      (await tofu(directory, 'validate'));
    checks.push({ name: `tofu ${directory}`, passed: failure === undefined, message: failure ?? '' });
  }
  return checks;
});
