import { exemptionsOf } from '../../model/exemptions.ts';
import { conclude } from '../verdict.ts';
import type { Gate } from './gate.ts';

/** Stops a finding whose resource is exempt by the rule's settings. */
export const exempt: Gate = (finding, { settings, ports }) => {
  const { reason } = exemptionsOf(finding, settings, new Date(ports.clock.now()));
  if (reason === undefined) return undefined;
  const words = `${reason}; to end it earlier, remove it from the rule's exemptions`;
  return conclude('exempt', { reason: words });
};
