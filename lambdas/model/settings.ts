import { z } from 'zod';
import { breakerSettingsSchema, defaultBreaker } from './breaker-settings.ts';
import { customRuleSchema } from './custom-rule.ts';
import { SettingsError } from './errors.ts';
import { accountIdSchema, ruleIdSchema } from './finding.ts';
import { formatIssues } from './issues.ts';
import { jsonSchema } from './json.ts';
import { defaultLimits, limitsSchema } from './limits.ts';
import { maintenanceWindowSchema } from './maintenance-window.ts';
import { modeSchema } from './mode.ts';

export type { Mode } from './mode.ts';

const groupNameSchema = z.string().regex(/^[a-z][a-z0-9_-]*$/, 'expected the name of an account group');
const accountsSchema = z.array(accountIdSchema);
const groupNamesSchema = z.array(groupNameSchema);
const modeByAccountSchema = z.record(accountIdSchema, modeSchema);
const modeByGroupSchema = z.record(groupNameSchema, modeSchema);

/** An exemption. `account`, `region` and `resource` can contain `*`, which matches any text. */
export const exemptionSchema = z.strictObject({
  account: z.union([z.literal('*'), accountIdSchema]),
  /** A group of accounts to which the exemption is limited. */
  group: groupNameSchema.optional(),
  region: z.string().min(1),
  resource: z.string().min(1),
  reason: z.string().min(1),
  owner: z.string().min(1),
  /** The last day (UTC) of the exemption: `2026-12-31`. */
  expires: z.iso.date(),
});
export type Exemption = z.infer<typeof exemptionSchema>;

/** The settings of one rule, as Terraform writes them: see `modules/central/settings.tf`. */
const ruleSettingsSchema = z.strictObject({
  version: z.literal(2),
  rule: ruleIdSchema,
  mode: modeSchema,
  mode_by_account: modeByAccountSchema,
  mode_by_group: modeByGroupSchema,
  /** The only accounts for which the rule is enabled. Empty: all accounts. */
  accounts: accountsSchema,
  excluded_accounts: accountsSchema,
  excluded_groups: groupNamesSchema,
  /** Means of fixing violations: direct calls, or AWS's managed runbook if the rule has one. */
  method: z.enum(['api', 'runbook']).default('api'),
  /** Handling of violations that the runbook leaves open: direct calls fix them, or they are reported as failed. */
  runbook_then: z.enum(['api', 'report']).default('api'),
  /** The time in which resources may be changed. Default: any time. */
  maintenance_window: maintenanceWindowSchema.optional(),
  /** The number of minutes between polls of the rule; 0 if the schedule is a cron expression. */
  poll_minutes: z.number().nonnegative().optional(),
  limits: limitsSchema.default(defaultLimits),
  breaker: breakerSettingsSchema.default(defaultBreaker),
  exemptions: z.array(exemptionSchema),
  /** Options of the rule, which the rule parses. */
  options: z.record(z.string(), jsonSchema),
  /** The definition of a custom rule. */
  definition: customRuleSchema.optional(),
});
export type RuleSettings = z.infer<typeof ruleSettingsSchema>;

/** The default of `deferred_days`; the same as Terraform's. */
export const DEFERRED_DAYS = 14;

/** Account settings for all rules. Their modes are ceilings: no rule does more in an account. */
const accountSettingsSchema = z.strictObject({
  version: z.literal(2),
  groups: z.record(groupNameSchema, accountsSchema),
  /** The only accounts for which any rule is enabled. Empty: all accounts. */
  accounts: accountsSchema,
  excluded_accounts: accountsSchema,
  excluded_groups: groupNamesSchema,
  mode_by_account: modeByAccountSchema,
  mode_by_group: modeByGroupSchema,
  /** A ceiling for accounts that joined the organization recently: for each, the time until which it applies. */
  new_accounts: z
    .strictObject({ mode: modeSchema, until: z.record(accountIdSchema, z.iso.datetime({ offset: true })) })
    .optional(),
  /** The custom rules, which a pause can name. */
  declared_rules: z.array(ruleIdSchema).optional(),
  /**
   * Outcomes that are published on the event bus. Default: those that differ from the previous one, or changed
   * something.
   */
  events: z.enum(['changed', 'all']).optional(),
  /** Number of days after which a deferred finding is reported. Default: `DEFERRED_DAYS`. */
  deferred_days: z.number().int().positive().optional(),
});
export type AccountSettings = z.infer<typeof accountSettingsSchema>;

/** The S3 version ids of the objects from which settings were read. */
export const settingsVersionsSchema = z.object({ rule: z.string(), accounts: z.string() });
export type SettingsVersions = z.infer<typeof settingsVersionsSchema>;

/** A rule's settings, with the account settings of all rules. */
export interface Settings extends RuleSettings {
  readonly allRules: AccountSettings;
  readonly versions: SettingsVersions;
}

/** The key of the account settings in the settings bucket. */
export const ACCOUNTS_KEY = 'accounts.json';
/** Builds the key of a rule's settings in the settings bucket. */
export function ruleSettingsKey(rule: string): string {
  return `rules/${rule}.json`;
}

/** Parses a rule's settings. @throws SettingsError if the text is not this rule's settings */
export function parseRuleSettings(rule: string, text: string): RuleSettings {
  const settings = parse(ruleSettingsSchema, ruleSettingsKey(rule), text);
  if (settings.rule === rule) return settings;
  throw new SettingsError(
    `settings in ${ruleSettingsKey(rule)} are for rule ${settings.rule}; nothing changes until they are valid: run terraform apply again`,
  );
}

/** Parses account settings. @throws SettingsError if the text is not account settings */
export function parseAccountSettings(text: string): AccountSettings {
  return parse(accountSettingsSchema, ACCOUNTS_KEY, text);
}

function parse<T>(schema: z.ZodType<T>, key: string, text: string): T {
  const fail = (problem: string, cause: unknown): SettingsError =>
    new SettingsError(
      `settings in ${key}: ${problem}; nothing changes until they are valid: run terraform apply again`,
      { cause },
    );
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw fail('they are not JSON', error);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw fail(formatIssues(parsed.error), parsed.error);
  return parsed.data;
}

/**
 * Returns groups that the settings refer to but that the account settings do not define, which happens if the two
 * objects come from different applies.
 */
export function unknownGroups(rule: RuleSettings, allRules: AccountSettings): string[] {
  const named = [
    ...Object.keys(rule.mode_by_group),
    ...rule.excluded_groups,
    ...rule.exemptions.flatMap(({ group }) => group ?? []),
    ...Object.keys(allRules.mode_by_group),
    ...allRules.excluded_groups,
  ];
  return [...new Set(named)].filter((group) => !Object.hasOwn(allRules.groups, group));
}
