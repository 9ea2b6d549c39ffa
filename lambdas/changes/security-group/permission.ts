import type { IngressRule } from './ingress-rule.ts';

/** The protocols that have ports, or a type and code. A call that names others names no ports. */
const WITH_PORTS = ['tcp', 'udp', 'icmp', 'icmpv6'];

/** Protocol and ports of a rule as EC2's calls name them. */
export function portsOf({ protocol, fromPort, toPort }: IngressRule) {
  return {
    IpProtocol: protocol,
    ...(WITH_PORTS.includes(protocol) && { FromPort: fromPort, ToPort: toPort }),
  };
}

/** A rule with a CIDR source as the `IpPermission` of EC2's calls. */
export function permissionOf(rule: IngressRule, label: { readonly Description?: string } = {}) {
  return {
    ...portsOf(rule),
    ...(rule.source.includes(':')
      ? { Ipv6Ranges: [{ CidrIpv6: rule.source, ...label }] }
      : { IpRanges: [{ CidrIp: rule.source, ...label }] }),
  };
}
