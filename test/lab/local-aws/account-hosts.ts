import dns from 'node:dns';

const PATCHED = Symbol.for('names below localhost are resolved');

/**
 * The address at which S3 Control's clients reach an endpoint on this machine. They prepend the account's id to the host
 * (`111122223333.s3-control.eu-central-1.amazonaws.com`), which is not possible with an IP address. So they use `localhost`, and
 * from now on this process resolves all names below it. RFC 6761 requires that, but not every system does it. An endpoint
 * elsewhere is unchanged.
 */
export function s3ControlEndpoint(endpoint: string): string {
  const url = new URL(endpoint);
  if (url.hostname !== '127.0.0.1') return endpoint;
  resolveNamesBelowLocalhost();
  url.hostname = 'localhost';
  return url.origin;
}

function resolveNamesBelowLocalhost(): void {
  const { lookup } = dns;
  if (PATCHED in lookup) return;
  const patched = new Proxy(lookup, {
    apply(target, self, [hostname, ...rest]: [unknown, ...unknown[]]) {
      const isBelow = typeof hostname === 'string' && hostname.endsWith('.localhost');
      return Reflect.apply(target, self, [isBelow ? '127.0.0.1' : hostname, ...rest]);
    },
    has: (target, key) => key === PATCHED || Reflect.has(target, key),
  });
  // Node's sockets call it there for each connection.
  dns.lookup = patched;
}
