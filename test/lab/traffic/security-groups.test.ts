import { AuthorizeSecurityGroupIngressCommand, EC2Client } from '@aws-sdk/client-ec2';
import { describe, expect, test } from 'vitest';
import type { ExistingRule } from '../../../lambdas/changes/security-group/ingress-rule.ts';
import { lets, SecurityGroupModel } from './security-groups.ts';

function rule(change: Partial<ExistingRule> = {}): ExistingRule {
  const all = { protocol: 'tcp', fromPort: 20, toPort: 25, source: '0.0.0.0/0', description: '', tags: {} };
  return { ...all, id: 'sgr-1', ...change };
}

const ssh = { source: '0.0.0.0/0', protocol: 'tcp', port: 22 };

test.each([
  ['a range with the port', rule(), true],
  ['a range without it', rule({ fromPort: 23 }), false],
  ['another protocol', rule({ protocol: 'udp' }), false],
  ['another source', rule({ source: '203.0.113.0/24' }), false],
  ['all protocols', rule({ protocol: '-1', fromPort: -1, toPort: -1 }), true],
])('%s allows SSH: %s', (_what, one, expected) => {
  expect(lets(one, ssh)).toBe(expected);
});

test.each([
  ['all types', -1, true],
  ['the type', 8, true],
  ['another type', 3, false],
])('ICMP of %s allows a ping: %s', (_what, fromPort, expected) => {
  const ping = { source: '0.0.0.0/0', protocol: 'icmp', port: 8 };

  expect(lets(rule({ protocol: 'icmp', fromPort, toPort: -1 }), ping)).toBe(expected);
});

describe('a group in memory', () => {
  /** Opens port 443 with the SDK. */
  function authorize({ session, id: GroupId }: SecurityGroupModel): Promise<unknown> {
    const range = { IpProtocol: 'tcp', FromPort: 443, ToPort: 443, IpRanges: [{ CidrIp: '0.0.0.0/0' }] };
    const command = new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions: [range] });
    return session.client(EC2Client).send(command);
  }
  const web = { ...ssh, port: 443 };

  test('accepts calls of the SDK, and records them', async () => {
    const model = new SecurityGroupModel([rule()]);

    await authorize(model);

    expect([model.lets(ssh), model.lets(web)]).toEqual([true, true]);
    expect(model.calls).toEqual(['ec2:AuthorizeSecurityGroupIngress']);
  });

  test.each([
    ['lost', true],
    ['cut', false],
  ] as const)('whose answer is %s has taken effect: %s', async (interference, expected) => {
    const model = new SecurityGroupModel([rule()]);
    model.before = () => interference;

    await expect(authorize(model)).rejects.toThrow();

    expect(model.lets(web)).toBe(expected);
  });

  test('refuses a call with the given code', async () => {
    const model = new SecurityGroupModel([]);
    model.refuse = () => 'RulesPerSecurityGroupLimitExceeded';

    await expect(authorize(model)).rejects.toThrow('RulesPerSecurityGroupLimitExceeded');

    expect(model.rules).toEqual([]);
  });

  test('is equal to another one that allows the same, whatever the ids', () => {
    const [one, other] = [new SecurityGroupModel([rule()]), new SecurityGroupModel([rule({ id: 'sgr-2' })])];

    expect(one.id).not.toBe(other.id);
    expect(one.content).toEqual(other.content);
  });
});
