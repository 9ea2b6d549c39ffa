import type { IngressRule } from './ingress-rule.ts';

/** The protocols that have ports, or a type and code. Calls for other protocols contain no ports. */
const WITH_PORTS = ['tcp', 'udp', 'icmp', 'icmpv6'];

/** Converts the protocol and ports of a rule to the parameters of EC2's calls. */
export function portsOf({ protocol, fromPort, toPort }: IngressRule) {
  return {
    IpProtocol: protocol,
    ...(WITH_PORTS.includes(protocol) && { FromPort: fromPort, ToPort: toPort }),
  };
}

/** Converts a rule with a CIDR source to an `IpPermission`. */
export function permissionOf(rule: IngressRule, label: { readonly Description?: string } = {}) {
  return {
    ...portsOf(rule),
    ...(rule.source.includes(':')
      ? { Ipv6Ranges: [{ CidrIpv6: rule.source, ...label }] }
      : { IpRanges: [{ CidrIp: rule.source, ...label }] }),
  };
}
