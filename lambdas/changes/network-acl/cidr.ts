import { z } from 'zod';

/** Checks whether a CIDR or an address is IPv6. */
export const isIpv6 = (text: string): boolean => text.includes(':');

/** Checks whether the text is an IPv4 or IPv6 CIDR. */
export const isCidr = (text: string): boolean => z.union([z.cidrv4(), z.cidrv6()]).safeParse(text).success;

/** Checks whether the CIDR contains every address of its family, in any notation: `0.0.0.0/0`, `0::/0`. */
export const isEverywhere = (cidr: string): boolean => Number(cidr.split('/')[1]) === 0;

/** Converts an IPv6 address to its shortest form, in lower case. */
const shortest = (address: string): string => new URL(`http://[${address}]/`).hostname.slice(1, -1);

function ipv6Groups(address: string): number[] {
  const [left = [], right = []] = shortest(address)
    .split('::')
    .map((half) => half.split(':').filter((group) => group !== ''));
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  return [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16));
}

/**
 * Converts a CIDR to the form in which AWS stores it (`10.0.0.0/8` for `10.1.2.3/8`), so that a read returns what was
 * sent.
 */
export function canonicalCidr(cidr: string): string {
  const [address = '', prefix = ''] = cidr.split('/');
  const groups = isIpv6(cidr) ? ipv6Groups(address) : address.split('.').map(Number);
  const groupBits = isIpv6(cidr) ? 16 : 8;
  const network = groups.map((group, index) => {
    const hostBits = Math.min(groupBits, Math.max(0, (index + 1) * groupBits - Number(prefix)));
    return group & ~(2 ** hostBits - 1);
  });
  return isIpv6(cidr)
    ? `${shortest(network.map((group) => group.toString(16)).join(':'))}/${Number(prefix)}`
    : `${network.join('.')}/${Number(prefix)}`;
}

/** Range of addresses of one family, as numbers. Both ends are included. */
export interface AddressRange {
  readonly first: bigint;
  readonly last: bigint;
}

/** Returns the addresses of a CIDR. */
export function rangeOf(cidr: string): AddressRange {
  const [address = '', prefix = ''] = cidr.split('/');
  const groups = isIpv6(cidr) ? ipv6Groups(address) : address.split('.').map(Number);
  const groupBits = isIpv6(cidr) ? 16n : 8n;
  const hostBits = BigInt(groups.length) * groupBits - BigInt(prefix);
  const number = groups.reduce((sum, group) => (sum << groupBits) | BigInt(group), 0n);
  const first = (number >> hostBits) << hostBits;
  return { first, last: first + (1n << hostBits) - 1n };
}

export const isInRange = (address: bigint, { first, last }: AddressRange): boolean =>
  first <= address && address <= last;
