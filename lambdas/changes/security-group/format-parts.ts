import { formatTraffic } from './ingress-rule.ts';
import type { RuleShrink } from './schemas.ts';

/** Formats the parts, sorted by protocol and port, regardless of which one keeps the id: `tcp 20-21, tcp 23-443`. */
export function formatParts({ after, pieces }: RuleShrink): string {
  const order = ['tcp', 'udp', 'icmp', 'icmpv6'];
  return [after, ...pieces]
    .sort((a, b) => order.indexOf(a.protocol) - order.indexOf(b.protocol) || a.fromPort - b.fromPort)
    .map(formatTraffic)
    .join(', ');
}
