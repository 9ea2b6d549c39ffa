import { portOpenFacts } from '../factories/security-group-port-open/facts.ts';

export const facts = portOpenFacts({
  id: 'security-group-ssh-open',
  title: 'Security groups do not open SSH (port 22) to the world',
  legacyId: 'CIS-1-2-0-4-1',
  netskopeRuleNames: [
    'Communications and control network protection: Ensure no security groups allow ingress from 0.0.0.0/0 to port 22',
  ],
  control: 'CIS AWS Foundations Benchmark 1.2.0, 4.1',
  port: 22,
  protocols: ['tcp'],
});
