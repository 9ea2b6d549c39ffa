import { exemptionTagOf } from '../../model/exemption-tag.ts';
import { conclude } from '../verdict.ts';
import type { Gate } from './gate.ts';
import type { Moments } from './moments.ts';

/** The resource's own tag exempts it, or was meant to: nothing is changed where nobody understands it. */
export const exemptByTag: Gate<Moments['beforePlanning']> = (
  _finding,
  { violation: { tags, seen }, ports },
) => {
  const { reason, malformed } = exemptionTagOf(tags, new Date(ports.clock.now()));
  if (malformed !== undefined) return conclude('failed', { willRetry: true, reason: malformed, seen });
  return reason === undefined ? undefined : conclude('exempt', { reason, seen });
};
