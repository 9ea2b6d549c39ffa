import { BlockList } from 'node:net';
import type { Change } from '../../../lambdas/changes/change.ts';
import type { NetworkAclEntry } from '../../../lambdas/changes/network-acl/entry.ts';
import { changeKind as narrow } from '../../../lambdas/changes/network-acl/entry-narrow.ts';
import { changeKind as restore } from '../../../lambdas/changes/network-acl/entry-restore.ts';

/** One kind of traffic, which a network ACL allows or not. */
export interface Packet {
  /** An IPv4 or IPv6 address. */
  readonly source: string;
  /** `6` for tcp, `17` for udp, `1` for ICMP, or any other IANA number. */
  readonly protocol: string;
  /** The port of tcp and udp. */
  readonly port: number;
  /** Type and code of ICMP. Default: type 8, code 0. */
  readonly icmp?: { readonly type: number; readonly code: number };
}

const within = new Map<string, boolean>();

/** Reports whether an address is in a CIDR. */
export function isWithin(source: string, cidr: string): boolean {
  const key = `${source} ${cidr}`;
  const known = within.get(key);
  if (known !== undefined) return known;
  const family = cidr.includes(':') ? 'ipv6' : 'ipv4';
  const [address = '', prefix = ''] = cidr.split('/');
  const list = new BlockList();
  list.addSubnet(address, Number(prefix), family);
  const answer = source.includes(':') === cidr.includes(':') && list.check(source, family);
  within.set(key, answer);
  return answer;
}

/**
 * Reports whether an entry, whose block contains the packet's source, applies to it, as EC2 documents `NetworkAclEntry`.
 */
function speaksOf(entry: NetworkAclEntry, packet: Omit<Packet, 'source'>): boolean {
  const { protocol, port, icmp = { type: 8, code: 0 } } = packet;
  if (entry.protocol === '-1') return true;
  if (entry.protocol !== protocol) return false;
  if (entry.icmp !== null && ![-1, icmp.type].includes(entry.icmp.type)) return false;
  if (entry.icmp !== null && ![-1, icmp.code].includes(entry.icmp.code)) return false;
  return entry.ports === null || (entry.ports.from <= port && port <= entry.ports.to);
}

/** Reports whether an entry applies to a packet. */
export const matches = (entry: NetworkAclEntry, packet: Packet): boolean =>
  isWithin(packet.source, entry.cidr) && speaksOf(entry, packet);

/**
 * Finds what these entries allow: the first one that matches a packet, by number, decides; without a match it is
 * denied.
 * @returns for a source, whether a packet from there is allowed
 */
export function doorOf(
  entries: readonly NetworkAclEntry[],
): (source: string) => (packet: Omit<Packet, 'source'>) => boolean {
  const ordered = [...entries].sort((one, other) => one.ruleNumber - other.ruleNumber);
  return (source) => {
    const here = ordered.filter(({ cidr }) => isWithin(source, cidr));
    return (packet) => here.find((entry) => speaksOf(entry, packet))?.action === 'allow';
  };
}

/** Reports whether these entries allow a packet. */
export const lets = (entries: readonly NetworkAclEntry[], packet: Packet): boolean =>
  doorOf(entries)(packet.source)(packet);

/** The list of entries after one call, as EC2 makes it. @throws EC2's code if it would refuse the call */
export type Step = (entries: readonly NetworkAclEntry[]) => NetworkAclEntry[];

const has = (entries: readonly NetworkAclEntry[], ruleNumber: number): boolean =>
  entries.some((entry) => entry.ruleNumber === ruleNumber);

export const creating =
  (entry: NetworkAclEntry): Step =>
  (entries) => {
    if (has(entries, entry.ruleNumber)) throw new Error('NetworkAclEntryAlreadyExists');
    return [...entries, entry];
  };

export const deleting =
  (ruleNumber: number): Step =>
  (entries) => {
    if (!has(entries, ruleNumber)) throw new Error('InvalidNetworkAclEntry.NotFound');
    return entries.filter((entry) => entry.ruleNumber !== ruleNumber);
  };

export const replacing =
  (by: NetworkAclEntry): Step =>
  (entries) => {
    if (!has(entries, by.ruleNumber)) throw new Error('InvalidNetworkAclEntry.NotFound');
    return entries.map((entry) => (entry.ruleNumber === by.ruleNumber ? by : entry));
  };

/** The calls of a change, in order, as its documentation says. */
export function stepsOf(change: Change): Step[] {
  if (change.kind === narrow.kind) {
    const { before, after, created } = narrow.schema.parse(change);
    return [...created.map(creating), after === null ? deleting(before.ruleNumber) : replacing(after)];
  }
  const { open, over, remove } = restore.schema.parse(change);
  const removals = remove.map(({ ruleNumber }) => deleting(ruleNumber));
  if (open === null) return removals;
  return [over === null ? creating(open) : replacing(open), ...removals];
}

/** The entries after a change, as EC2 would make it. @throws if EC2 would refuse it */
export function applied(entries: readonly NetworkAclEntry[], change: Change): NetworkAclEntry[] {
  return stepsOf(change).reduce<NetworkAclEntry[]>((now, step) => step(now), [...entries]);
}
