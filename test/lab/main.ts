/**
 * Starts the lab for manual use, until Ctrl-C:
 *
 *     node scripts/bootstrap.mjs test/lab/main.ts [--account 111111111111] [--region eu-central-1] \
 *       [--violate security-group-ssh-open]… [--calls]
 *
 * Prints the environment with which the AWS CLI and Terraform use it. `--violate` creates a resource that violates a rule
 * (`all`: one for each rule), then the tenant scans; `--calls` prints each call that goes through the proxy.
 */
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { labRuleIds, startLab } from './index.ts';
import { startProcessRun } from './processes/run.ts';
import { describeScan } from './tenant/index.ts';

const { values } = parseArgs({
  options: {
    account: { type: 'string', default: '111111111111' },
    region: { type: 'string', default: 'eu-central-1' },
    violate: { type: 'string', multiple: true, default: [] },
    calls: { type: 'boolean', default: false },
  },
});
const { account, region } = values;
const rules = values.violate.includes('all')
  ? labRuleIds
  : z.array(z.literal(labRuleIds)).parse(values.violate);
const say = (line: string): void => console.log(line);
const ended = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);

const run = startProcessRun();
try {
  const lab = await startLab({
    ...(values.calls && {
      onCall: ({ principal, region: where, service, operation, status, errorCode = '' }) =>
        console.error(
          `${principal.account} ${where} ${service}:${operation} ${status} ${errorCode}`.trimEnd(),
        ),
    }),
  });
  try {
    const { aws, proxy, tenant } = lab;
    const token = encodeURIComponent(tenant.token);
    for (const rule of rules)
      say(`# made ${await lab.violate(rule, { account, region })}, which violates ${rule}`);
    if (rules.length > 0) {
      const target = {
        endpoint: proxy.endpoint,
        accounts: [{ id: account, name: account }],
        regions: [region],
      };
      for (const line of describeScan(await tenant.scan(target))) say(`# ${line}`);
    }
    say(`export AWS_ENDPOINT_URL=${proxy.endpoint}`);
    say(`export AWS_ACCESS_KEY_ID=${account} AWS_SECRET_ACCESS_KEY=test`);
    say(`export AWS_REGION=${region} AWS_DEFAULT_REGION=${region}`);
    say(`# without the proxy: ${aws.endpoint}; its log: ${aws.logFile}`);
    say(`# curl '${tenant.url}/api/v1/security_assessment?status=Failed&limit=100&token=${token}'`);
    say('# Ctrl-C ends it.');
    await ended;
  } finally {
    await lab.stop();
  }
} finally {
  await run.end();
}
