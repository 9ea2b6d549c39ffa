import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AccountBuilder } from '../support/account-builder.ts';
import { Deployment } from '../support/deployment.ts';
import { prepareLocalAws } from '../support/local-aws/index.ts';
import { type Simulation, startSimulation } from '../support/simulation.ts';
import { copyProject, localAwsEnvironment, prepareTerraform, TerraformRoot } from '../support/terraform.ts';

const account = '444444444444';
const region = 'eu-west-1';
const say = (line: string): void => console.info(line);
const folder = path.resolve(import.meta.dirname, `../../.work/e2e-single-account-${process.pid}`);
const stopped = new AbortController();
const variables = { netskope_tenant: 'acme', force_destroy: true };
let simulation: Simulation;
let root: TerraformRoot;

beforeAll(async () => {
  const installation = await prepareLocalAws(say);
  simulation = await startSimulation({ installation, signal: stopped.signal });
  await copyProject(folder);
  root = new TerraformRoot(await prepareTerraform(say), path.join(folder, 'examples/single-account'), {
    environment: {
      ...localAwsEnvironment(simulation.aws.endpoint, account),
      AWS_REGION: region,
      TF_VAR_api_token: simulation.tenant.token,
    },
    logFile: `${folder}-terraform.log`,
    say,
    signal: stopped.signal,
  });
  await root.init();
  await root.apply(variables);
});

afterAll(async () => {
  stopped.abort();
  await simulation?.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

describe('examples/single-account in a local AWS', () => {
  test('a second plan is clean', async () => {
    expect(await root.plan(variables)).toMatchObject({ changes: false });
  });

  test('the API token is in no state file', async () => {
    const state = await root.show();

    expect(state).toContain('netskope-api-token');
    expect(state).not.toContain(simulation.tenant.token);
  });

  test('the schedules start polls: a rule that is in force cures, one in dry run plans', async () => {
    const { aws, proxy, tenant } = simulation;
    const builder = new AccountBuilder(aws.endpoint, account);
    const vpc = await builder.vpc(region);
    const group = await builder.securityGroup(region, vpc, 'web', [
      { IpProtocol: 'tcp', FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: '0.0.0.0/0' }] },
    ]);
    const bucket = await builder.bucketPublicByAcl(region, 'public-bucket-444444444444');
    await builder.bucketPublicByAcl(region, 'website-444444444444');
    // A schedule that the local AWS starts asks for the findings of the minute's beginning.
    await tenant.scan(
      {
        endpoint: proxy.endpoint,
        accounts: [{ id: account, name: 'only' }],
        regions: [region],
        rules: ['CIS-1-2-0-4-1', 'BPR-1-0-0'],
      },
      new Date(Date.now() - 120_000),
    );
    const deployment = new Deployment({ endpoint: aws.endpoint, account, homeRegion: region });

    const [groups, buckets] = await Promise.all([
      deployment.awaitScheduledPoll('security-group-ssh-open'),
      deployment.awaitScheduledPoll('s3-bucket-public'),
    ]);

    expect(groups.outcomes).toMatchObject([{ outcome: 'remediated', finding: { resource: group } }]);
    const byResource = Object.fromEntries(
      buckets.outcomes.map(({ finding, outcome }) => [finding.resource, outcome]),
    );
    expect(byResource).toEqual({ [bucket]: 'planned', 'website-444444444444': 'exempt' });
  });

  test('a destroy takes everything along', async () => {
    await root.destroy(variables);

    expect(await root.output()).toEqual({});
  });
});
