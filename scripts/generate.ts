/**
 * Writes every generated file, in the order of their dependencies: the IAM actions and the catalogue that Terraform reads, the
 * documentation of rules and costs, the tables of inputs and outputs in the modules' READMEs, the reference of the command line,
 * and `dist/`. `resource-types.ts` is separate, because its table comes from the network and changes only with CloudFormation.
 *
 *     node scripts/generate.ts           write
 *     node scripts/generate.ts --check   change nothing; exit 1 and name what is stale
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const generators = [
  'iam-actions.ts',
  'catalog.ts',
  'input-shapes.ts',
  'docs.ts',
  'coverage.ts',
  'cost-docs.ts',
  'terraform-docs.ts',
  'command-line-docs.ts',
  'build.ts',
];

let isStale = false;
for (const generator of generators) {
  const script = fileURLToPath(new URL(generator, import.meta.url));
  const { status } = spawnSync(process.execPath, [script, ...process.argv.slice(2)], { stdio: 'inherit' });
  if (status !== 0) isStale = true;
}
process.exitCode = isStale ? 1 : 0;
