import { exemptionTagOf } from '../../model/exemption-tag.ts';
import type { Violation } from '../planned-fix.ts';
import { conclude } from '../verdict.ts';
import type { ConfiguredWork } from '../work.ts';
import type { Gate } from './gate.ts';

/** The resource's own tag exempts it, or was meant to: nothing is changed where nobody understands it. */
export const exemptByTag: Gate<ConfiguredWork & { readonly violation: Violation }> = (
  _finding,
  { violation: { tags, seen }, ports },
) => {
  const { reason, malformed } = exemptionTagOf(tags, new Date(ports.clock.now()));
  if (malformed !== undefined) return conclude('failed', { willRetry: true, reason: malformed, seen });
  return reason === undefined ? undefined : conclude('exempt', { reason, seen });
};
