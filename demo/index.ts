/**
 * Shows everything on this machine, without an AWS account:
 *
 *     npm run demo             runs it, and stops everything
 *     npm run demo -- --keep   keeps everything running, to explore with the AWS CLI and Terraform
 */
import { once } from 'node:events';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { prepareLocalAws } from '../test/lab/local-aws/index.ts';
import { startProcessRun } from '../test/lab/processes/run.ts';
import { localAwsEnvironment, prepareTerraform } from '../test/lab/terraform/index.ts';
import { runDemo } from './demo.ts';
import { program } from './operate.ts';
import { accounts, homeRegion } from './organization.ts';

const { values } = parseArgs({ options: { keep: { type: 'boolean', default: false } } });
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const began = Date.now();
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => interrupted.abort(new Error(`stopped by ${signal}`)));
}

const run = startProcessRun();
try {
  const [localAws, terraform] = await Promise.all([prepareLocalAws(say), prepareTerraform(say)]);
  const folder = path.resolve(import.meta.dirname, `../.work/demo-${process.pid}`);
  const demo = await runDemo({
    localAws,
    terraform,
    folder,
    say,
    signal: interrupted.signal,
    environment: run.environment,
  });
  try {
    if (values.keep) {
      const { aws, tenant } = demo.lab;
      const environment = {
        ...localAwsEnvironment(aws.endpoint, accounts.security),
        AWS_REGION: homeRegion,
        AWS_DEFAULT_REGION: homeRegion, // What version 1 of the AWS CLI reads.
        TF_CLI_CONFIG_FILE: terraform.environment['TF_CLI_CONFIG_FILE'] ?? '',
        TF_VAR_api_token: tenant.token,
      };
      say('');
      say('Everything keeps running. In another shell:');
      for (const [name, value] of Object.entries(environment)) say(`  export ${name}='${value}'`);
      say(`  alias cspm-remediation="node ${program}"`);
      say('  # for operators; docs/operations.md has more');
      say(
        '  cspm-remediation status   # two alarms are expected: the first hourly check of the schedules is still due',
      );
      say(`  cspm-remediation explain ${demo.report.undone.resource}`);
      say('  cspm-remediation outcomes --since 1h --changed');
      say('  cspm-remediation undo --since 1h --rule s3-bucket-public --reason "try it"');
      say('  cspm-remediation doctor');
      say('  # as the owner of resources in another account: use its twelve digits as AWS_ACCESS_KEY_ID');
      say(`  AWS_ACCESS_KEY_ID=${accounts.production} aws ec2 describe-security-group-rules`);
      say('  aws s3 ls --recursive s3://cspm-auto-remediation-evidence-111111111111-eu-central-1/outcomes/');
      say(`  cd ${demo.rootFolder} && terraform plan -var-file=run.tfvars.json`);
      const token = encodeURIComponent(tenant.token);
      say(`  curl '${tenant.url}/api/v1/security_assessment?status=Failed&limit=100&token=${token}'`);
      say('  # after you have changed resources, let the tenant scan again, then poll');
      say(`  curl '${tenant.url}/api/v1/csa_scan?op=start&name=again&scan_start_by=me&token=${token}'`);
      say('Press Ctrl-C in this shell to end everything.');
      if (!interrupted.signal.aborted) await once(interrupted.signal, 'abort');
    }
  } finally {
    await demo.stop();
  }
  say('');
  const seconds = Math.round((Date.now() - began) / 1000);
  const elapsed = values.keep ? '' : ` after ${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  say(`Done${elapsed}: nothing is left running. What to try next:`);
  say('  npm run demo -- --keep    the same, but everything keeps running for you to explore');
  say('  docs/operations.md        procedures for operators: most commands there work in the demo');
  say('  README.md, "Deploy"       deploy it to your own account: every rule starts in dry run');
} catch (error) {
  if (interrupted.signal.aborted) say(String(interrupted.signal.reason));
  else
    process.stderr.write(
      `the demo failed: ${error instanceof Error ? (error.stack ?? error.message) : error}\n`,
    );
  process.exitCode = 1;
} finally {
  await run.end();
}
