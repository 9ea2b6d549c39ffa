/**
 * Prepares what several steps of the tests need.
 *
 *     node scripts/testing/prepare.ts local-aws|terraform
 */
import { prepareLocalAws } from '../../test/lab/local-aws/index.ts';
import { prepareTerraform } from '../../test/lab/terraform/index.ts';

const say = (line: string) => process.stdout.write(`${line}\n`);
const [what] = process.argv.slice(2);
if (what === 'local-aws') {
  await prepareLocalAws(say);
} else if (what === 'terraform') {
  const { binary, version } = await prepareTerraform(say);
  say(`${binary} ${version}`);
} else {
  throw new Error(`cannot prepare '${what ?? ''}': expected local-aws or terraform`);
}
