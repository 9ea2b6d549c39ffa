import { BlockList } from 'node:net';
import type { Change } from '../../lambdas/changes/change.ts';
import type { NetworkAclEntry } from '../../lambdas/changes/network-acl/entry.ts';
import { changeKind as create } from '../../lambdas/changes/network-acl/entry-create.ts';
import { changeKind as remove } from '../../lambdas/changes/network-acl/entry-delete.ts';
import { changeKind as replace } from '../../lambdas/changes/network-acl/entry-replace.ts';

/** One kind of traffic: what a network ACL lets in, or not. */
export interface Packet {
  /** An IPv4 or IPv6 address. */
  readonly source: string;
  /** `6` for tcp, `17` for udp, or any other IANA number. */
  readonly protocol: string;
  /** Of tcp and udp. */
  readonly port: number;
}

/** Whether an address is in a CIDR. */
export function isWithin(source: string, cidr: string): boolean {
  const family = cidr.includes(':') ? 'ipv6' : 'ipv4';
  if (source.includes(':') !== cidr.includes(':')) return false;
  const [address = '', prefix = ''] = cidr.split('/');
  const list = new BlockList();
  list.addSubnet(address, Number(prefix), family);
  return list.check(source, family);
}

/** Whether an entry speaks of a packet, as EC2 documents `NetworkAclEntry`. */
export function matches(entry: NetworkAclEntry, { source, protocol, port }: Packet): boolean {
  if (!isWithin(source, entry.cidr)) return false;
  if (entry.protocol === '-1') return true;
  if (entry.protocol !== protocol) return false;
  return entry.ports === null || (entry.ports.from <= port && port <= entry.ports.to);
}

/** Whether these entries let a packet in: the first that matches, by number, decides; where none does, it is denied. */
export function lets(entries: readonly NetworkAclEntry[], packet: Packet): boolean {
  const ordered = [...entries].sort((one, other) => one.ruleNumber - other.ruleNumber);
  return ordered.find((entry) => matches(entry, packet))?.action === 'allow';
}

/** The entries after a change, as EC2 would make it. @throws when EC2 would refuse it */
export function applied(entries: readonly NetworkAclEntry[], change: Change): NetworkAclEntry[] {
  const at = (ruleNumber: number): boolean => entries.some((entry) => entry.ruleNumber === ruleNumber);
  switch (change.kind) {
    case 'network-acl-entry-create': {
      const { entry } = create.schema.parse(change);
      if (at(entry.ruleNumber)) throw new Error('NetworkAclEntryAlreadyExists');
      return [...entries, entry];
    }
    case 'network-acl-entry-delete': {
      const { entry } = remove.schema.parse(change);
      if (!at(entry.ruleNumber)) throw new Error('InvalidNetworkAclEntry.NotFound');
      return entries.filter(({ ruleNumber }) => ruleNumber !== entry.ruleNumber);
    }
    case 'network-acl-entry-replace': {
      const { before, after } = replace.schema.parse(change);
      if (!at(before.ruleNumber) || before.ruleNumber !== after.ruleNumber) {
        throw new Error('InvalidNetworkAclEntry.NotFound');
      }
      return entries.map((entry) => (entry.ruleNumber === before.ruleNumber ? after : entry));
    }
    default:
      throw new Error(`expected a change of a network ACL entry, got ${change.kind}`);
  }
}
