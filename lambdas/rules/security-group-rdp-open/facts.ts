import { portOpenFacts } from '../factories/security-group-port-open/facts.ts';

export const facts = portOpenFacts({
  id: 'security-group-rdp-open',
  title: 'Security groups do not open RDP (port 3389) to the world',
  legacyId: 'CIS-1-2-0-4-2',
  control: 'CIS AWS Foundations Benchmark 1.2.0, 4.2',
  port: 3389,
  // RDP's transport is udp too, since version 8.
  protocols: ['tcp', 'udp'],
});
