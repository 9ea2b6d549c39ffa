import { exemptionsOf } from '../../model/exemptions.ts';
import { conclude } from '../verdict.ts';
import type { Gate } from './gate.ts';

/** The rule's settings exempt the resource. */
export const exempt: Gate = (finding, { settings, ports }) => {
  const { reason } = exemptionsOf(finding, settings, new Date(ports.clock.now()));
  return reason === undefined ? undefined : conclude('exempt', { reason });
};
