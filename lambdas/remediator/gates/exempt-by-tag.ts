import { EXEMPTION_TAG, exemptionTagOf } from '../../model/exemption-tag.ts';
import { conclude } from '../verdict.ts';
import type { Gate } from './gate.ts';
import type { Moments } from './moments.ts';

/** Stops a finding whose resource has an exemption tag, even if the tag cannot be parsed. */
export const exemptByTag: Gate<Moments['beforePlanning']> = (
  _finding,
  { violation: { tags, seen }, ports },
) => {
  const { reason, malformed } = exemptionTagOf(tags, new Date(ports.clock.now()));
  if (malformed !== undefined) {
    return conclude('failed', { willRetry: true, gate: 'exemption', reason: malformed, seen });
  }
  if (reason === undefined) return undefined;
  const words = `${reason}; to end it earlier, remove the resource's tag ${EXEMPTION_TAG}`;
  return conclude('exempt', { reason: words, seen });
};
