import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { passTime, startRemediator } from './harness/functions.ts';
import {
  type Deployed,
  expectWritesWithin,
  type Harness,
  nextMoment,
  startHarness,
} from './harness/harness.ts';
import { workOff } from './harness/job-service.ts';
import { ingressRules, itemOf, makeSecurityGroup, OFFICE, WORLD } from './harness/violations.ts';

const SSH = 'security-group-ssh-open';
const script = fileURLToPath(new URL('./harness/run-remediator.ts', import.meta.url));

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness[Symbol.asyncDispose]());

/** Two wide rules to shrink: the plan has one call that adds rules and two that modify one. */
const twoRanges = [
  {
    IpProtocol: 'tcp',
    FromPort: 20,
    ToPort: 443,
    IpRanges: [{ CidrIp: WORLD, Description: 'legacy application' }],
  },
  { IpProtocol: 'tcp', FromPort: 22, ToPort: 30, Ipv6Ranges: [{ CidrIpv6: '::/0' }] },
  { IpProtocol: 'tcp', FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: OFFICE }] },
];
const remediated = [
  `tcp 20-21 ${WORLD} legacy application`,
  `tcp 22-22 ${OFFICE} `,
  `tcp 23-30 ::/0 `,
  `tcp 23-443 ${WORLD} legacy application`,
];

/** Processes the queue: with a first invocation in a child process, which is killed, and the others in this one. */
function workAfterKill(
  { product }: Deployed,
  started: (child: ChildProcess) => void,
): ReturnType<typeof workOff> {
  const environment = product.remediatorEnvironment('eu-central-1');
  const next = startRemediator(environment);
  let invocation = 0;
  const work = async (event: SQSEvent): Promise<SQSBatchResponse> => {
    invocation += 1;
    if (invocation > 1) {
      const { result, thrown } = await next.invoke(event);
      if (result === undefined) throw thrown;
      return result;
    }
    const child = spawn(process.execPath, [script], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...environment, EVENT: JSON.stringify(event), NODE_NO_WARNINGS: '1' },
    });
    started(child);
    await once(child, 'close');
    throw new Error('the function was killed');
  };
  // The time until the message of a killed function comes back, which is longer than that function's lease.
  return workOff(product, 'eu-central-1', work, { onTimeout: () => passTime(1_800_000) });
}

describe('a function that is killed during its work', () => {
  /** The calls after which an attempt may be killed: each one leaves something behind. */
  const calls = [
    ['s3', 'PutObject', '/jobs/', 1, 'when the plan is recorded'],
    ['ec2', 'AuthorizeSecurityGroupIngress', '', 1, 'when the narrower rule exists'],
    ['ec2', 'ModifySecurityGroupRules', '', 1, 'between two changes'],
    ['ec2', 'ModifySecurityGroupRules', '', 2, 'when all changes are made, but not recorded'],
    ['s3', 'PutObject', '/outcomes/', 1, 'when the outcome is written, but not published'],
    ['events', 'PutEvents', '', 1, 'when the outcome is published'],
  ] as const;

  test.each(calls)(
    'after %s:%s %s number %i, %s: the next attempt finishes the work',
    async (service, operation, text, number) => {
      const deployed = await harness.deploy({ rules: { [SSH]: { mode: 'enforce' } } });
      const account = harness.account();
      const group = await makeSecurityGroup(harness.endpoint, account, twoRanges);
      const asOf = nextMoment();
      harness.tenant.setFindings([itemOf(SSH, { account_id: account, resource_id: group })]);
      await deployed.collect({ rule: SSH, asOf });
      harness.proxy.clear();
      let victim: ChildProcess | undefined;
      // The call takes effect, but the function is killed before it receives the response.
      const fault = harness.fault({
        service,
        operation,
        text,
        skip: number - 1,
        times: 1,
        when: ({ accessKeyId, principal }) =>
          accessKeyId === deployed.product.account || principal.account === account,
        effect: {
          rewrite: (answer) => {
            victim?.kill('SIGKILL');
            return answer;
          },
        },
      });

      const { invocations, timeouts } = await workAfterKill(deployed, (child) => {
        victim = child;
      });

      // What is unknown at first is known once reads must show it.
      await deployed.finish();

      expect(fault.hits).toBe(1);
      expect(victim?.signalCode).toBe('SIGKILL');
      expect(invocations).toBe(2);
      expect(timeouts).toBe(1);
      expect(await ingressRules(harness.endpoint, account, group)).toEqual(remediated);
      const { outcomes } = await deployed.resultOf({ rule: SSH, asOf }, 1);
      expect(outcomes).toMatchObject([{ outcome: 'remediated' }]);
      const [outcome] = outcomes;
      // All changes are recorded as applied, regardless of the attempt that made them.
      const applied = outcome?.applied ?? [];
      expect(outcome?.unconfirmed ?? []).toEqual([]);
      expectWritesWithin(deployed.writes(), [{ plan: applied }]);
      const lines = applied.map(({ line }) => line).join('\n');
      // A part that was added before the kill is recorded as such, and then the rest.
      const isWhole =
        /^~ ingress tcp 20-443 .* -> (tcp 20-21, tcp 23-443|tcp 23-443 \(tcp 20-21 stands already\))$/m;
      expect(lines).toMatch(isWhole);
      expect(lines).toMatch(/^~ ingress tcp 22-30 from ::\/0 .* -> tcp 23-30$/m);
    },
  );
});
