/**
 * For looking round by hand: starts the local AWS, and a proxy before it that tells each call; prints the environment
 * with which the AWS CLI and Terraform use them. `node test/lab/local-aws/main.ts [--account 111111111111]`.
 */
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { startAwsProxy } from '../aws-proxy/index.ts';
import { prepareLocalAws, startLocalAws } from './index.ts';

const { values } = parseArgs({ options: { account: { type: 'string', default: '111111111111' } } });
const installation = await prepareLocalAws((line) => console.error(line));
let upstream = '';
const proxy = await startAwsProxy({
  upstream: () => upstream,
  onCall: ({ principal, region, service, operation, status, errorCode = '' }) =>
    console.error(`${principal.account} ${region} ${service}:${operation} ${status} ${errorCode}`.trimEnd()),
});
const aws = await startLocalAws({ installation, functionEnvironment: { AWS_ENDPOINT_URL: proxy.endpoint } });
upstream = aws.endpoint;
console.log(`export AWS_ENDPOINT_URL=${proxy.endpoint}
export AWS_ACCESS_KEY_ID=${values.account} AWS_SECRET_ACCESS_KEY=test AWS_REGION=eu-central-1 AWS_DEFAULT_REGION=eu-central-1
# without the proxy: ${aws.endpoint}; its log: ${aws.logFile}. Ctrl-C ends both.`);
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
await proxy.stop();
await aws.stop();
