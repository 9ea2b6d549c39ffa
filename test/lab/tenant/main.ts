/**
 * Runs a simulated tenant until it is interrupted:
 *
 *     node test/lab/tenant/main.ts --port 8080 --token secret \
 *       --endpoint http://127.0.0.1:4566 --account 111111111111=production --region eu-central-1
 *
 * With an endpoint, it scans at the start, and again for each `csa_scan?op=start`.
 */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { describeScan, startTenant } from './index.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    token: { type: 'string' },
    endpoint: { type: 'string' },
    account: { type: 'string', multiple: true, default: [] },
    region: { type: 'string', multiple: true, default: [] },
    'no-rate-limit': { type: 'boolean', default: false },
  },
});
const port = z.coerce.number().int().min(0).max(65_535).parse(values.port);
const accounts = values.account.map((account) => {
  const [id = '', name = id] = account.split('=');
  if (!/^\d{12}$/.test(id))
    throw new Error(`--account ${account}: expected twelve digits, or 111111111111=name`);
  return { id, name };
});
if (values.endpoint !== undefined && (accounts.length === 0 || values.region.length === 0)) {
  throw new Error('--endpoint: expected at least one --account and one --region to scan there');
}

const tenant = await startTenant({
  port,
  ...(values.token !== undefined && { token: values.token }),
  ...(values['no-rate-limit'] && { rateLimit: false }),
  ...(values.endpoint !== undefined && {
    scanTarget: { endpoint: values.endpoint, accounts, regions: values.region },
  }),
});
console.log(`tenant: ${tenant.url}`);
console.log(`token: ${tenant.token}`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void tenant.stop());
if (values.endpoint !== undefined) for (const line of describeScan(await tenant.scan())) console.log(line);
