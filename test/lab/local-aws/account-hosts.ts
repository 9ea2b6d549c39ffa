import dns from 'node:dns';

const PATCHED = Symbol.for('names below localhost are resolved');

/**
 * The address at which S3 Control's clients reach an endpoint on this machine. They put the account's id before the
 * host (`111122223333.s3-control.eu-central-1.amazonaws.com`), and an address takes no name before it: so they get
 * `localhost`, and from now on this process resolves all names below it. RFC 6761 wants that, but not every system does.
 * An endpoint elsewhere is left as it is.
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
  // Node's sockets look it up there for each connection.
  dns.lookup = patched;
}
