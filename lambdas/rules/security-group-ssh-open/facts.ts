import { portOpenFacts } from '../factories/security-group-port-open/facts.ts';

export const facts = portOpenFacts({
  id: 'security-group-ssh-open',
  title: 'Security groups do not open SSH (port 22) to the world',
  legacyId: 'CIS-1-2-0-4-1',
  control: 'CIS AWS Foundations Benchmark 1.2.0, 4.1',
  ports: [{ port: 22, protocols: ['tcp'] }],
});
