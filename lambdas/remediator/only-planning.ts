import type { Ports } from './ports.ts';

/**
 * Creates the ports of a poll that only plans. It writes evidence, but publishes nothing and does not record findings.
 * It ignores earlier outcomes, so that it also plans fixes for findings that have failed or were fixed recently.
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
