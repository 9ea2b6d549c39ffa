import { z } from 'zod';

/** The thresholds at which the breaker stops a rule's changes in an account. */
export const breakerSettingsSchema = z.strictObject({
  /** Minimum number of changes within an hour. */
  changes: z.number().int().positive(),
  /** Percentage of them that failed or were undone. */
  failed_percent: z.number().int().min(1).max(100),
});
export type BreakerSettings = z.infer<typeof breakerSettingsSchema>;

/** The thresholds if the settings contain none; the same as Terraform's defaults. */
export const defaultBreaker: BreakerSettings = { changes: 5, failed_percent: 50 };
