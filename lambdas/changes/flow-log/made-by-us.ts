/** The tag of what we made: an undo may delete flow logs that have it, and no others. */
export const MADE_BY = {
  key: 'cspm-auto-remediation:made-by',
  value: 'cspm-auto-remediation',
} as const;

/** Largest difference between AWS's clock and ours. */
const CLOCKS_DIFFER_MILLISECONDS = 60_000;

/** Tells whether something that AWS made then may be made by calls of ours since a moment. */
export const isMadeSince = (created: Date, since: Date): boolean =>
  created.getTime() >= since.getTime() - CLOCKS_DIFFER_MILLISECONDS;
