/** A port that must not be open to the world. */
export interface ClosedPort {
  readonly port: number;
  /** The protocols for which it must not be open. */
  readonly protocols: readonly ('tcp' | 'udp')[];
}

/** A range of ports, including both ends. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** Returns the ranges that remain of a protocol's port range without the closed ports, in order. */
export function portsAround(
  closed: readonly ClosedPort[],
  protocol: string,
  { from, to }: PortRange,
): readonly PortRange[] {
  const ports = closed
    .filter(
      ({ port, protocols }) => protocols.some((name) => name === protocol) && from <= port && port <= to,
    )
    .map(({ port }) => port)
    .sort((a, b) => a - b);
  const starts = [from, ...ports.map((port) => port + 1)];
  const ends = [...ports.map((port) => port - 1), to];
  return starts.flatMap((start, index) => {
    const end = ends[index] ?? to;
    return start <= end ? [{ from: start, to: end }] : [];
  });
}

/** Describes ports: `tcp port 22, or tcp or udp port 3389`. */
export function portsInWords(closed: readonly ClosedPort[]): string {
  return closed.map(({ port, protocols }) => `${protocols.join(' or ')} port ${port}`).join(', or ');
}

/** The ports for server administration: SSH, and RDP, which also uses UDP since version 8. */
export const adminPorts: readonly ClosedPort[] = [
  { port: 22, protocols: ['tcp'] },
  { port: 3389, protocols: ['tcp', 'udp'] },
];
