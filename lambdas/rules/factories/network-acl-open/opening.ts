import { isEverywhere } from '../../../changes/network-acl/cidr.ts';
import type { NetworkAclEntry } from '../../../changes/network-acl/entry.ts';
import { type ClosedPort, portsAround } from '../closed-ports.ts';
import { familyOf } from './traffic.ts';

/** Traffic that a network ACL must not let in, and the parts of an open entry that are kept. */
export interface Opening {
  /** Reports whether the entry violates the rule, regardless of the entries before it. */
  opens(entry: NetworkAclEntry): boolean;
  /** Returns the parts of an open entry that stay open to everyone, under its number. */
  rest(entry: NetworkAclEntry): readonly NetworkAclEntry[];
  /** Describes traffic other than the closed one that is no longer allowed without the entry, if any. */
  ends(entry: NetworkAclEntry): string | undefined;
  /**
   * Returns the reason why the rule does not apply to this ACL, or undefined if it does. Default: it applies to all.
   */
  condition?(acl: { isDefault: boolean; subnets: readonly string[] }): string | undefined;
}

const allowsEveryone = ({ action, cidr }: NetworkAclEntry): boolean =>
  action === 'allow' && isEverywhere(cidr);

/** Entries that allow every protocol from everywhere. No part of them is kept. */
export const allTraffic: Omit<Opening, 'condition'> = {
  opens: (entry) => allowsEveryone(entry) && entry.protocol === '-1',
  rest: () => [],
  ends: () => undefined,
};

/** The protocols with ports, and their numbers in network ACLs. */
const withPorts = [
  { number: '6', name: 'tcp' },
  { number: '17', name: 'udp' },
] as const;
const allPorts = { from: 0, to: 65_535 };

/** Entries that let everyone reach one of the ports. All other ports and ICMP are kept. */
export function anyPortOf(closed: readonly ClosedPort[]): Opening {
  const around = (entry: NetworkAclEntry, number: string, name: string): NetworkAclEntry[] =>
    portsAround(closed, name, entry.ports ?? allPorts).map((ports) => ({
      ...entry,
      protocol: number,
      ports: { ...ports },
      icmp: null,
    }));
  return {
    opens(entry) {
      if (!allowsEveryone(entry)) return false;
      if (entry.protocol === '-1') return true;
      const name = withPorts.find(({ number }) => number === entry.protocol)?.name;
      const { from, to } = entry.ports ?? allPorts;
      return closed.some(
        ({ port, protocols }) => protocols.some((each) => each === name) && from <= port && port <= to,
      );
    },
    rest(entry) {
      const icmp = familyOf(entry.cidr) === 'IPv6' ? '58' : '1';
      const parts = withPorts
        .filter(({ number }) => entry.protocol === '-1' || entry.protocol === number)
        .flatMap(({ number, name }) => around(entry, number, name));
      return entry.protocol === '-1'
        ? [...parts, { ...entry, protocol: icmp, ports: null, icmp: { type: -1, code: -1 } }]
        : parts;
    },
    ends: ({ protocol }) =>
      protocol === '-1' ? 'protocols other than tcp, udp, and ICMP are no longer allowed' : undefined,
  };
}
