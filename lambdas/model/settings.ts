import { createHash } from 'node:crypto';
import { z } from 'zod';
import { SettingsError } from './errors.ts';
import { accountIdSchema, ruleIdSchema } from './finding.ts';
import { formatIssues } from './issues.ts';
import { jsonSchema } from './json.ts';
import { maintenanceWindowSchema } from './maintenance-window.ts';
import { type Mode, modeSchema } from './mode.ts';

export type { Mode } from './mode.ts';

/** `account`, `region` and `resource` may hold `*`, which stands for any text. */
export const exemptionSchema = z.strictObject({
  account: z.union([z.literal('*'), accountIdSchema]),
  region: z.string().min(1),
  resource: z.string().min(1),
  reason: z.string().min(1),
  owner: z.string().min(1),
  /** The last day (UTC) on which it counts: `2026-12-31`. */
  expires: z.iso.date(),
});
export type Exemption = z.infer<typeof exemptionSchema>;

/** A rule's settings, as Terraform writes them: see `local.settings` in `modules/central/rules.tf`. */
const settingsSchema = z.strictObject({
  version: z.literal(1),
  rule: ruleIdSchema,
  mode: modeSchema,
  mode_by_account: z.record(accountIdSchema, modeSchema),
  /** How violations are fixed: by direct calls, or by AWS's managed runbook where the rule has one. */
  method: z.enum(['api', 'runbook']).default('api'),
  /** What is done about what the runbook has left open: fixed by direct calls, or reported as failed. */
  runbook_then: z.enum(['api', 'report']).default('api'),
  /** Outside it nothing is changed. Without one: at any time. */
  maintenance_window: maintenanceWindowSchema.optional(),
  exemptions: z.array(exemptionSchema),
  /** The rule's own, parsed by the rule. */
  options: z.record(z.string(), jsonSchema),
});
export type Settings = z.infer<typeof settingsSchema>;

/** `<number>/<count> <sha256 of the whole text, hexadecimal> <piece of the text>`: one parameter's value. */
const piecePattern = /^([1-9]\d*)\/([1-9]\d*) ([0-9a-f]{64}) ([A-Za-z0-9+/=]*)$/;

/**
 * Puts a rule's settings together from the parameters that hold them. Terraform cuts the text (Base64 of the JSON)
 * into pieces that fit a standard parameter: see `modules/per-region/settings.tf`.
 * @param rule the rule's id
 * @param pieces the values of the parameters below `/<name>/rules/<rule>`, in any order
 * @throws SettingsError when a piece is missing, malformed or of another apply, or the whole is not a rule's settings
 */
export function joinSettings(rule: string, pieces: readonly string[]): Settings {
  const fail = (problem: string, cause?: unknown): SettingsError =>
    new SettingsError(
      `settings of ${rule}: ${problem}; nothing is changed until they are whole: run terraform apply again`,
      { cause },
    );
  if (pieces.length === 0) throw fail('there are none');

  const parts = pieces.map((piece) => {
    const match = piecePattern.exec(piece);
    if (match === null)
      throw fail(`a parameter holds "${piece.slice(0, 40)}…", which is no piece of settings`);
    const [, number, count, digest, text = ''] = match;
    return { number: Number(number), count: Number(count), digest, text };
  });
  const [first] = parts;
  if (parts.some((part) => part.digest !== first?.digest || part.count !== first?.count)) {
    throw fail('the pieces are of two applies');
  }
  // A parameter that an earlier, longer text left behind has another digest, so that these are the whole and no more.
  parts.sort((a, b) => a.number - b.number);
  if (parts.length !== first?.count || parts.some((part, index) => part.number !== index + 1)) {
    throw fail(`pieces ${parts.map((part) => part.number).join(', ')} of ${first?.count} are there`);
  }
  const text = parts.map((part) => part.text).join('');
  if (createHash('sha256').update(text).digest('hex') !== first.digest) {
    throw fail('the pieces do not have the digest that they name');
  }

  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(text, 'base64').toString('utf8'));
  } catch (error) {
    throw fail('they are not JSON', error);
  }
  const parsed = settingsSchema.safeParse(json);
  if (!parsed.success) throw fail(formatIssues(parsed.error), parsed.error);
  if (parsed.data.rule !== rule) throw fail(`they are those of ${parsed.data.rule}`);
  return parsed.data;
}

/** The rule's mode for one account. */
export function modeFor(settings: Settings, account: string): Mode {
  return settings.mode_by_account[account] ?? settings.mode;
}

/**
 * Whether the settings name the accounts that the rule is on for, and this one is not among them. No role is assumed in
 * such an account. An account that they name as `off` is not meant: what was begun there is followed to its end.
 */
export function isLeftOut({ mode, mode_by_account: modes }: Settings, account: string): boolean {
  const isClosed = mode === 'off' && Object.values(modes).some((named) => named !== 'off');
  return isClosed && !Object.hasOwn(modes, account);
}

/**
 * Whether the pause parameter's value stops the rule: `none`, `all`, or rule ids with commas between them.
 * @param knownRules the ids of all rules
 * @throws SettingsError for any other value: whoever set it wanted something stopped, and nobody knows what
 */
export function isPaused(value: string, rule: string, knownRules: readonly string[]): boolean {
  const words = value.split(',').map((word) => word.trim());
  if (words.length === 1 && words[0] === 'none') return false;
  const unknown = words.filter((word) => word !== 'all' && !knownRules.includes(word));
  if (unknown.length > 0) {
    throw new SettingsError(
      `pause is "${value}", of which "${unknown.join('", "')}" is unknown: expected none, all, or rule ids separated by commas; nothing is changed until then`,
    );
  }
  return words.includes('all') || words.includes(rule);
}
