import { isIP } from 'node:net';
import { EC2Client, type IpPermission, RevokeSecurityGroupIngressCommand } from '@aws-sdk/client-ec2';
import { type AutomationDocument, ROLE_ARN, ROLE_PARAMETER, type Step, unless } from '../document.ts';

const SSH_AND_RDP = [22, 3389];

/** Rules for exactly the SSH port and exactly the RDP port, open to these sources. */
function permissions(sources: readonly string[]): IpPermission[] {
  return SSH_AND_RDP.flatMap((port) =>
    sources.map((source) => ({
      IpProtocol: 'tcp',
      FromPort: port,
      ToPort: port,
      ...(source.includes(':') ? { Ipv6Ranges: [{ CidrIpv6: source }] } : { IpRanges: [{ CidrIp: source }] }),
    })),
  );
}

/**
 * One call that revokes all rules at once. In a default VPC, EC2 skips rules that do not exist. In any other one, it returns
 * `InvalidPermission.NotFound` and revokes nothing.
 */
function revoke(name: string, sources: readonly string[]): Step {
  return {
    name,
    action: 'aws:executeAwsApi',
    api: 'RevokeSecurityGroupIngress',
    async run({ parameters, client }) {
      const command = new RevokeSecurityGroupIngressCommand({
        GroupId: parameters['GroupId'],
        IpPermissions: permissions(sources),
      });
      await client(EC2Client).send(command);
      return 'done';
    },
  };
}

function refusesSource(value: string): string | undefined {
  const [address = '', prefix = '', ...rest] = value.split('/');
  const isCidr = rest.length === 0 && isIP(address) !== 0 && /^\d{1,3}$/.test(prefix);
  return value === '' || isCidr ? undefined : 'an IPv4 or IPv6 address with its prefix length: 1.2.3.4/32';
}

/** https://docs.aws.amazon.com/systems-manager-automation-runbooks/latest/userguide/automation-aws-disablepublicaccessforsecuritygroup.html */
export const disablePublicAccessForSecurityGroup: AutomationDocument = {
  name: 'AWS-DisablePublicAccessForSecurityGroup',
  description: 'Closes the ports of SSH and RDP to all addresses, or to the one that is given.',
  parameters: {
    GroupId: { description: 'The security group.', refuses: unless(/^sg-[0-9a-f]+$/) },
    IpAddressToBlock: {
      description: 'Closes them to this address instead of to all.',
      default: '',
      refuses: refusesSource,
    },
    [ROLE_PARAMETER]: {
      description: 'The role that allows Automation to act in its place. Default: who starts it.',
      default: '',
      refuses: (value) => (value === '' ? undefined : unless(ROLE_ARN)(value)),
    },
  },
  isAvailableIn: (region) => !region.startsWith('cn-'),
  steps({ IpAddressToBlock: source = '' }) {
    const branch: Step = { name: 'CustomIpCheck', action: 'aws:branch', run: async () => 'done' };
    if (source === '') return [branch, revoke('DisableFromAllIp', ['0.0.0.0/0', '::/0'])];
    const name = source.includes(':') ? 'DisableFromCustomIpV6' : 'DisableFromCustomIpV4';
    return [branch, revoke(name, [source])];
  },
};
