/**
 * Tries the product in a real account, for less than a dollar, and cleans up after itself.
 *
 *     AWS_PROFILE=… AWS_REGION=… node scripts/smoke.ts      your own account, preferably an empty one
 *     node scripts/smoke.ts --local                          the local AWS, to test this script
 *
 * Applies `scripts/smoke`: the module with one rule in dry run, and one security group that opens port 22 and is attached to no
 * instance. Sends the jobs that a collector would send, checks the outcomes, enforces, undoes, checks that a notification is
 * delivered, and destroys everything. Needs Terraform in the PATH, and permissions to create the module's resources.
 */
import { homedir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { prepareTerraform } from '../test/lab/terraform/index.ts';
import { deploy, destroy, type Place } from './smoke/deployment.ts';
import { Steps } from './smoke/steps.ts';

const { values } = parseArgs({ options: { local: { type: 'boolean', default: false } } });
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** The caller's AWS configuration. The laboratory's Terraform does not inherit it, so it is passed explicitly. */
const shell = {
  AWS_CONFIG_FILE: path.join(homedir(), '.aws/config'),
  AWS_SHARED_CREDENTIALS_FILE: path.join(homedir(), '.aws/credentials'),
  AWS_EC2_METADATA_DISABLED: 'false',
  ...Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      name.startsWith('AWS_') && value !== undefined ? [[name, value]] : [],
    ),
  ),
};

async function localPlace(): Promise<{ environment: Record<string, string>; stop: () => Promise<void> }> {
  const [{ startLab }, { localAwsEnvironment }] = await Promise.all([
    import('../test/lab/index.ts'),
    import('../test/lab/terraform/index.ts'),
  ]);
  const lab = await startLab();
  const environment = {
    ...localAwsEnvironment(lab.aws.endpoint, '555555555555'),
    AWS_REGION: 'eu-central-1',
  };
  return { environment, stop: () => lab.stop() };
}

const target = values.local ? await localPlace() : { environment: shell, stop: async () => {} };
// The SDK's clients read these.
Object.assign(process.env, target.environment);
const region = process.env['AWS_REGION'];
if (region === undefined || region === '') {
  say('AWS_REGION is not set: expected the region to deploy to, such as "eu-central-1"');
  process.exit(1);
}
const name = `smoke-${Date.now().toString(36)}`;
const place: Place = {
  name,
  terraform: await prepareTerraform(say),
  environment: target.environment,
  folder: path.resolve(import.meta.dirname, `../.work/${name}`),
  say,
};
try {
  say(`${name} in ${region}: applying, two to four minutes …`);
  const steps = new Steps(await deploy(place, 'dry_run'), { name, region, say });
  await steps.planned();
  await deploy(place, 'enforce');
  await steps.remediated();
  await steps.undone();
  await steps.notified();
  say('Everything works. docs/real-aws.md lists what shows only after days.');
} catch (error) {
  process.exitCode = 1;
  say(`FAILED: ${error instanceof Error ? error.message : String(error)}`);
} finally {
  say('destroying, a minute or two …');
  await destroy(place);
  await target.stop();
}
