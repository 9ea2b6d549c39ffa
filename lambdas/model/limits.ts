import { z } from 'zod';

const number = z.number().int().positive();

/** The most resources that a rule may change within an hour: in one account, and in all accounts and regions together. */
export const limitsSchema = z.strictObject({ per_account_per_hour: number, per_rule_per_hour: number });
export type Limits = z.infer<typeof limitsSchema>;

/**
 * The limits of settings that name none, the same as Terraform's. In an account, what becomes of a day's work is a handful
 * of resources per rule; a rule that is wrong finds hundreds.
 */
export const defaultLimits: Limits = { per_account_per_hour: 50, per_rule_per_hour: 200 };
