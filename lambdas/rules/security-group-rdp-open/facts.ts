import { portOpenFacts } from '../factories/security-group-port-open/facts.ts';

export const facts = portOpenFacts({
  id: 'security-group-rdp-open',
  title: 'Security groups do not open RDP (port 3389) to the world',
  legacyId: 'CIS-1-2-0-4-2',
  control: 'CIS AWS Foundations Benchmark 1.2.0, 4.2',
  // RDP also uses UDP since version 8.
  ports: [{ port: 3389, protocols: ['tcp', 'udp'] }],
});
