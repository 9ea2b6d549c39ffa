import { CLOCKS_DIFFER_MILLISECONDS } from '../../model/clock.ts';

/** The tag of what we made: an undo may delete flow logs that have it, and no others. */
export const MADE_BY = {
  key: 'cspm-auto-remediation:made-by',
  value: 'cspm-auto-remediation',
} as const;

/** Tells whether something that AWS made then may be made by our own calls since a moment. */
export const isMadeSince = (created: Date, since: Date): boolean =>
  created.getTime() >= since.getTime() - CLOCKS_DIFFER_MILLISECONDS;
