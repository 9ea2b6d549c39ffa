import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { copyProject } from '../../test/lab/terraform/index.ts';
import type { Check } from './checks.ts';

const repository = path.resolve(import.meta.dirname, '../..');

/** The working folder of a scanner, which is removed afterwards. */
export interface ScanPlace {
  /** The folder for the scanner's files. */
  readonly folder: string;
  /** A copy of the project, so that working files of Terraform are not scanned. */
  readonly project: string;
  /** Aborted when the run must stop. */
  readonly signal: AbortSignal;
}

/**
 * Runs a scanner on a copy of the project. Prints the failed checks and the counts, and writes all checks to `report` as JSON.
 * Sets the exit code to 1 if a check failed.
 */
export async function scanCopy(
  name: string,
  report: string,
  scan: (place: ScanPlace) => Promise<readonly Check[]>,
): Promise<void> {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => controller.abort(new Error(`interrupted by ${signal}`)));
  }
  await mkdir(path.join(repository, '.work'), { recursive: true });
  const folder = await mkdtemp(path.join(repository, '.work', `${name}-run-`));
  const project = path.join(folder, 'project');
  try {
    await copyProject(project);
    const checks = await scan({ folder, project, signal: controller.signal });
    const failed = checks.filter(({ passed }) => !passed);
    for (const check of failed) process.stdout.write(`${check.name}: ${check.message}\n`);
    process.stdout.write(`${checks.length - failed.length} passed, ${failed.length} failed\n`);
    await writeFile(report, JSON.stringify(checks, null, 2));
    if (failed.length > 0) process.exitCode = 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
