/**
 * Writes what Terraform needs to know about the code, so that no IAM action, option, outcome or metric is written twice:
 * `modules/catalog.json`, and the type of `rules[…].options` between the markers in the files of `optionFiles`.
 *
 *     node scripts/catalog.ts           write
 *     node scripts/catalog.ts --check   change nothing; exit 1 and name every file that is stale
 */
import { z } from 'zod';
import {
  EVENT_SOURCE,
  FINDING_NOTICE,
  FINDING_OUTCOME,
  JOB_OUTCOME,
  RULE_HELD_BACK,
  TARGET_ROLE_MISSING,
} from '../lambdas/model/event-names.ts';
import { metricOf, metrics } from '../lambdas/model/metrics.ts';
import { modes } from '../lambdas/model/mode.ts';
import { MODULE_VERSION } from '../lambdas/model/module-version.ts';
import { outcomeNameSchema, outcomes } from '../lambdas/model/outcome-names.ts';
import { factsOf, ruleIds } from '../lambdas/rules/catalogue.ts';
import type { RuleFacts } from '../lambdas/rules/facts.ts';
import type { Permission } from '../lambdas/rules/permission.ts';
import { findPermission, followPermission, startPermissions } from '../lambdas/rules/runbook.ts';
import { ruleNames } from '../lambdas/sources/index.ts';
import { readOrEmpty, withGenerated, writeGenerated } from './generated-files.ts';
import { readLibrary } from './library/compile.ts';

const scalarTypes = { string: 'string', integer: 'number', number: 'number', boolean: 'bool' } as const;

/** The part of JSON Schema that an option may use, because Terraform has types for it. */
const valueSchema = z.looseObject({
  type: z.enum(['string', 'integer', 'number', 'boolean']).optional(),
  anyOf: z.array(z.looseObject({ type: z.enum(['string', 'integer', 'number', 'boolean']) })).optional(),
});
const optionSchema = z.looseObject({
  type: z.enum(['string', 'integer', 'number', 'boolean', 'array']).optional(),
  anyOf: valueSchema.shape.anyOf,
  items: valueSchema.optional(),
  description: z.string().optional(),
});
const optionsSchema = z.looseObject({
  type: z.literal('object'),
  properties: z.record(z.string().regex(/^[a-z][a-z0-9_]*$/), optionSchema).default({}),
});
type Options = z.infer<typeof optionsSchema>;

const optionFiles = ['modules/_settings/typed/variables.tf'];

function optionsOf(rule: RuleFacts): Options {
  const { $schema: _, ...schema } = z.toJSONSchema(rule.options, { io: 'input' });
  const parsed = optionsSchema.safeParse(schema);
  if (parsed.success) return parsed.data;
  throw new Error(
    `options of rule ${rule.id} cannot be typed in Terraform: ${z.prettifyError(parsed.error)}`,
  );
}

function permissionOf({ actions, resources, conditions }: Permission) {
  return { actions, resources, ...(conditions === undefined ? {} : { conditions }) };
}

const resourceIdSchema = z.looseObject({ pattern: z.string() });

/**
 * The regular expression of a rule's resource ids in Terraform's syntax, which has no lookarounds: some of its matches are
 * not ids, but every id matches.
 */
function resourceIdPatternOf({ resourceId }: RuleFacts): string {
  const { pattern } = resourceIdSchema.parse(z.toJSONSchema(resourceId));
  return pattern.replaceAll(/\(\?<?[!=][^()]*\)/g, '').replaceAll('(?:', '(');
}

function catalogued(rule: RuleFacts, options: Options) {
  return {
    title: rule.title,
    legacy_id: rule.legacyId,
    resource_id_pattern: resourceIdPatternOf(rule),
    resource_type: rule.resourceType,
    scope: rule.scope,
    severity: rule.severity,
    netskope_rule_names: ruleNames.netskope[rule.id] ?? [],
    options,
    permissions: {
      read: rule.permissions.read.map(permissionOf),
      write: rule.permissions.write.map(permissionOf),
      undo: rule.permissions.undo.map(permissionOf),
    },
    ...(rule.runbook !== undefined && {
      runbook: {
        document: rule.runbook.document,
        partitions: rule.runbook.partitions,
        start: [followPermission(rule.runbook), findPermission, ...startPermissions(rule.runbook)].map(
          permissionOf,
        ),
        permissions: rule.runbook.permissions.map(permissionOf),
      },
    }),
  };
}

function scalarType(value: z.infer<typeof valueSchema>): string {
  const types = new Set(
    [value.type, ...(value.anyOf ?? []).map(({ type }) => type)].flatMap((type) =>
      type === undefined ? [] : [scalarTypes[type]],
    ),
  );
  const [type] = types;
  if (type !== undefined && types.size === 1) return type;
  throw new Error(`an option must be of one type, not of ${types.size} (${[...types].join(', ')})`);
}

function terraformType({ type, anyOf, items }: z.infer<typeof optionSchema>): string {
  return type === 'array' ? `list(${scalarType(items ?? {})})` : scalarType({ type, anyOf });
}

/** The lines of one object type with the options of all rules. The validations know which rule has which option. */
function optionsType(optionsByRule: ReadonlyMap<string, Options>): string {
  const options = new Map<string, { type: string; rules: string[]; description: string | undefined }>();
  for (const [rule, { properties }] of optionsByRule) {
    for (const [name, option] of Object.entries(properties)) {
      const type = terraformType(option);
      const known = options.get(name);
      if (known === undefined) options.set(name, { type, rules: [rule], description: option.description });
      else if (known.type === type) known.rules.push(rule);
      else throw new Error(`option ${name} is ${known.type} in ${known.rules[0]} and ${type} in ${rule}`);
    }
  }
  const lines = [...options]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, { type, rules, description }]) => [
      `      # ${rules.join(', ')}${description === undefined ? '' : `: ${description}`}`,
      `      ${name} = optional(${type})`,
    ]);
  if (lines.length === 0) return '    options = optional(object({}), {})\n';
  return ['    options = optional(object({', ...lines, '    }), {})', ''].join('\n');
}

/** The part of the catalogue that does not depend on the rules. */
const vocabulary = {
  version: MODULE_VERSION,
  modes,
  outcomes: Object.fromEntries(
    outcomeNameSchema.options.map((name) => [
      name,
      {
        metric: metricOf(name),
        reason_is_due: outcomes[name].reasonIsDue,
        needs_person: outcomes[name].needsPerson,
      },
    ]),
  ),
  metrics: Object.fromEntries(
    Object.entries(metrics).map(([name, { perRule, counts }]) => [name, { per_rule: perRule, counts }]),
  ),
  events: {
    source: EVENT_SOURCE,
    finding_outcome: FINDING_OUTCOME,
    job_outcome: JOB_OUTCOME,
    finding_notice: FINDING_NOTICE,
    target_role_missing: TARGET_ROLE_MISSING,
    rule_held_back: RULE_HELD_BACK,
  },
};

const rules = ruleIds.map(factsOf);
const optionsByRule = new Map(rules.map((rule) => [rule.id, optionsOf(rule)]));
const catalog = Object.fromEntries(
  rules.map((rule) => [rule.id, catalogued(rule, optionsByRule.get(rule.id) ?? optionsOf(rule))]),
);

const library = Object.fromEntries(
  (await readLibrary()).map(({ id, names, definition }) => [id, { netskope_rule_names: names, definition }]),
);

const wanted = new Map([
  ['modules/catalog.json', `${JSON.stringify({ rules: catalog, library, ...vocabulary }, null, 2)}\n`],
]);
for (const file of optionFiles) {
  const text = await readOrEmpty(file);
  wanted.set(
    file,
    withGenerated({ file, text, generator: 'scripts/catalog.ts' }, optionsType(optionsByRule)),
  );
}

await writeGenerated(
  `catalogue of ${rules.length} rules and ${Object.keys(library).length} of the library`,
  wanted,
);
