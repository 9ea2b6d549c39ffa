import { BlockList } from 'node:net';

/** An IPv6 address as eight numbers. */
function ipv6Groups(address: string): number[] {
  const short = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [left = [], right = []] = short.split('::').map((half) => half.split(':').filter(Boolean));
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  return [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16));
}

/** A CIDR in EC2's form: host bits zero, IPv6 in its shortest form. */
export function canonicalCidr(cidr: string): string {
  const [address = '', prefix = ''] = cidr.split('/');
  const isIpv6 = cidr.includes(':');
  const bits = isIpv6 ? 16 : 8;
  const parts = (isIpv6 ? ipv6Groups(address) : address.split('.').map(Number)).map((part, index) => {
    const host = Math.min(bits, Math.max(0, (index + 1) * bits - Number(prefix)));
    return part & ~(2 ** host - 1);
  });
  if (!isIpv6) return `${parts.join('.')}/${prefix}`;
  const text = parts.map((part) => part.toString(16)).join(':');
  return `${new URL(`http://[${text}]/`).hostname.slice(1, -1)}/${prefix}`;
}

const lists = new Map<string, BlockList>();

/** Reports whether an address is in a CIDR. */
export function isWithin(address: string, cidr: string): boolean {
  if (address.includes(':') !== cidr.includes(':')) return false;
  const family = cidr.includes(':') ? 'ipv6' : 'ipv4';
  let list = lists.get(cidr);
  if (list === undefined) {
    const [network = '', prefix = ''] = cidr.split('/');
    list = new BlockList();
    list.addSubnet(network, Number(prefix), family);
    lists.set(cidr, list);
  }
  return list.check(address, family);
}
