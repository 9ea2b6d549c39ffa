import type { Ports } from './ports.ts';

/**
 * Makes the ports of a poll that only plans: it writes evidence, and neither reports findings nor remembers them. It knows
 * nothing of earlier outcomes either, so that it plans what has failed or was fixed recently.
 */
export function onlyPlanning(ports: Ports): Ports {
  const { table } = ports;
  return {
    ...ports,
    table: {
      takeLease: (...lease) => table.takeLease(...lease),
      endLease: (job, lease) => table.endLease(job, lease, []),
      writeDone: (...done) => table.writeDone(...done),
      recall: async (_findings, ...asked) => ({
        ...(await table.recall([], ...asked)),
        findings: [],
        account: undefined,
      }),
      writeChanged: (...changed) => table.writeChanged(...changed),
      readChanged: (resources) => table.readChanged(resources),
      readOperatorItems: (names) => table.readOperatorItems(names),
      writeBreaker: async () => true,
      claimBreakerCount: async () => false,
    },
    roles: { claimProbe: async () => true, report: async () => {}, forget: async () => {} },
    publishNotice: async () => {},
    publish: async () => {},
  };
}
