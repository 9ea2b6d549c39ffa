import { z } from 'zod';

/** Thresholds at which a rule stops changing things in an account by itself. */
export const breakerSettingsSchema = z.strictObject({
  /** Number of changes within an hour that it takes to judge. */
  changes: z.number().int().positive(),
  /** The share of them, in percent, that went wrong. */
  failed_percent: z.number().int().min(1).max(100),
});
export type BreakerSettings = z.infer<typeof breakerSettingsSchema>;

/** The breaker of settings that name none, the same as Terraform's. */
export const defaultBreaker: BreakerSettings = { changes: 5, failed_percent: 50 };
