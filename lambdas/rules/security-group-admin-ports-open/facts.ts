import { adminPorts } from '../factories/closed-ports.ts';
import { portOpenFacts } from '../factories/security-group-port-open/facts.ts';

export const facts = portOpenFacts({
  id: 'security-group-admin-ports-open',
  title: 'Security groups do not open SSH or RDP (ports 22 and 3389) to the world',
  legacyId: 'CIS-1-4-0-5-2',
  control: 'CIS AWS Foundations Benchmark 1.4.0, 5.2',
  ports: adminPorts,
});
