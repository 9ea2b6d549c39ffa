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

/** `account`, `region` and `resource` may hold `*`, which stands for any text. */
export const exemptionSchema = z.strictObject({
  account: z.union([z.literal('*'), accountIdSchema]),
  /** A group of accounts: the exemption counts in these alone. */
  group: groupNameSchema.optional(),
  region: z.string().min(1),
  resource: z.string().min(1),
  reason: z.string().min(1),
  owner: z.string().min(1),
  /** The last day (UTC) on which it counts: `2026-12-31`. */
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
  /** The only accounts for which the rule is on; empty: all. */
  accounts: accountsSchema,
  excluded_accounts: accountsSchema,
  excluded_groups: groupNamesSchema,
  /** Way in which violations are fixed: by direct calls, or by AWS's managed runbook where the rule has one. */
  method: z.enum(['api', 'runbook']).default('api'),
  /** Next step for violations that the runbook leaves open: fix them by direct calls, or report them as failed. */
  runbook_then: z.enum(['api', 'report']).default('api'),
  /** The time in which something may be changed. Without it: at any time. */
  maintenance_window: maintenanceWindowSchema.optional(),
  /** Number of minutes from one poll of the rule to the next; 0: by a cron. */
  poll_minutes: z.number().nonnegative().optional(),
  limits: limitsSchema.default(defaultLimits),
  breaker: breakerSettingsSchema.default(defaultBreaker),
  exemptions: z.array(exemptionSchema),
  /** The rule's own, parsed by the rule. */
  options: z.record(z.string(), jsonSchema),
  /** Definition of a rule that is declared and not coded. */
  definition: customRuleSchema.optional(),
});
export type RuleSettings = z.infer<typeof ruleSettingsSchema>;

/** Default of `deferred_days`, the same as Terraform's. */
export const DEFERRED_DAYS = 14;

/** Settings of accounts for all rules. Modes are ceilings: a rule never does more in an account. */
const accountSettingsSchema = z.strictObject({
  version: z.literal(2),
  groups: z.record(groupNameSchema, accountsSchema),
  /** The only accounts for which any rule is on; empty: all. */
  accounts: accountsSchema,
  excluded_accounts: accountsSchema,
  excluded_groups: groupNamesSchema,
  mode_by_account: modeByAccountSchema,
  mode_by_group: modeByGroupSchema,
  /** A ceiling for accounts that joined the organization recently: for each, the moment until which it holds. */
  new_accounts: z
    .strictObject({ mode: modeSchema, until: z.record(accountIdSchema, z.iso.datetime({ offset: true })) })
    .optional(),
  /** The rules that are declared and not coded. A pause may name them. */
  declared_rules: z.array(ruleIdSchema).optional(),
  /** Outcomes that are put on the event bus. Default: those that differ from the previous one, or changed something. */
  events: z.enum(['changed', 'all']).optional(),
  /** Number of days after which a deferred finding is reported. Default: `DEFERRED_DAYS`. */
  deferred_days: z.number().int().positive().optional(),
});
export type AccountSettings = z.infer<typeof accountSettingsSchema>;

/** The versions of the objects that settings were read from: S3's version ids. */
export const settingsVersionsSchema = z.object({ rule: z.string(), accounts: z.string() });
export type SettingsVersions = z.infer<typeof settingsVersionsSchema>;

/** A rule's settings, with the account settings of all rules. */
export interface Settings extends RuleSettings {
  readonly allRules: AccountSettings;
  readonly versions: SettingsVersions;
}

/** The keys of the objects in the settings bucket. */
export const ACCOUNTS_KEY = 'accounts.json';
export function ruleSettingsKey(rule: string): string {
  return `rules/${rule}.json`;
}

/** @throws SettingsError when the text is not that rule's settings */
export function parseRuleSettings(rule: string, text: string): RuleSettings {
  const settings = parse(ruleSettingsSchema, ruleSettingsKey(rule), text);
  if (settings.rule === rule) return settings;
  throw new SettingsError(
    `settings in ${ruleSettingsKey(rule)} are those of ${settings.rule}; nothing changes until they are valid: run terraform apply again`,
  );
}

/** @throws SettingsError when the text is not account settings */
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

/** The groups that the settings name but that have no accounts listed: the two objects then come from different applies. */
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
