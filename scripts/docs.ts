/**
 * Writes `docs/rules.md`, `docs/library.md`, and the VPC endpoints in `docs/operations.md` from the rules themselves, so that they
 * can't say what the rules don't do.
 *
 *     node scripts/docs.ts           write
 *     node scripts/docs.ts --check   change nothing; exit 1 when it is stale
 */
import { z } from 'zod';
import { factsOf, ruleIds } from '../lambdas/rules/catalogue.ts';
import type { RuleFacts } from '../lambdas/rules/facts.ts';
import { findPermission, followPermission, startPermissions } from '../lambdas/rules/runbook.ts';
import { ruleNames } from '../lambdas/sources/index.ts';
import { readOrEmpty, writeGenerated } from './generated-files.ts';
import { libraryText } from './library/docs.ts';
import { code, permissionRows, table } from './markdown.ts';
import { withEndpoints } from './vpc-endpoints.ts';

const file = 'docs/rules.md';

const valueSchema = z.looseObject({
  type: z.string().optional(),
  enum: z.array(z.unknown()).optional(),
  const: z.unknown().optional(),
  pattern: z.string().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  anyOf: z.array(z.looseObject({ const: z.unknown().optional(), pattern: z.string().optional() })).optional(),
});
const optionsSchema = z.looseObject({
  properties: z
    .record(
      z.string(),
      valueSchema.extend({
        description: z.string(),
        default: z.unknown().optional(),
        items: valueSchema.optional(),
      }),
    )
    .default({}),
});

/** Lists the values of an option, in words. */
function values(schema: z.infer<typeof valueSchema>): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => code(String(value))).join(', ');
  if (schema.anyOf !== undefined) {
    return schema.anyOf
      .map(({ const: value, pattern }) =>
        pattern === undefined ? code(String(value)) : `like ${code(pattern)}`,
      )
      .join(', or ');
  }
  if (schema.minimum !== undefined && schema.maximum !== undefined) {
    return `${schema.minimum} to ${schema.maximum}`;
  }
  return schema.pattern === undefined ? (schema.type ?? '') : `like ${code(schema.pattern)}`;
}

function optionsTable(rule: RuleFacts): string {
  const { properties } = optionsSchema.parse(z.toJSONSchema(rule.options, { io: 'input' }));
  const rows = Object.entries(properties).map(([name, option]) => [
    code(name),
    option.items === undefined ? values(option) : `a list: ${values(option.items)}`,
    option.default === undefined ? 'not set' : code(JSON.stringify(option.default)),
    option.description,
  ]);
  return rows.length === 0 ? 'None.' : table(['option', 'values', 'default', 'meaning'], rows);
}

/** Describes what the rule does where its method is `runbook`. */
function runbookSection({ runbook }: RuleFacts): string[] {
  if (runbook === undefined) return [];
  const { document, documentation, regionOf } = runbook;
  const resource = "the finding's resource";
  const inputs = Object.keys(runbook.parameters(resource)).map((name) => `${code(name)}: ${resource}`);
  return [
    '### Runbook',
    table(
      ['', ''],
      [
        ['Document', `[${code(document)}](${documentation.reference}), its default version`],
        [
          'Inputs',
          [...inputs, `${code('AutomationAssumeRole')}: the role ${code('<name>-automation')}`].join('; '),
        ],
        ['Runs in', regionOf === undefined ? 'the region of the finding' : "the resource's home region"],
        ['Closes', documentation.closes],
        ['Known limits', documentation.limits],
      ],
    ),
  ];
}

/** Cuts a text at the first sign that ends a clause. */
function firstClause(text: string): string {
  return /^.*?(?=[.;:](?: |$))/.exec(text)?.[0] ?? text;
}

function section(rule: RuleFacts): string {
  const { documentation, permissions, runbook } = rule;
  return [
    `## ${rule.id}`,
    `${rule.title}. Severity ${rule.severity}; ${rule.scope}; ${code(rule.resourceType)}; legacy id ${code(rule.legacyId)}.`,
    table(
      ['', ''],
      [
        ['Control', documentation.control],
        ['Finds', documentation.finds],
        ['Changes', documentation.changes],
        ['Never touches', documentation.neverTouches],
        ['Undo', documentation.undo],
        ...(documentation.cost === undefined ? [] : [['Cost', documentation.cost]]),
        ...Object.entries(ruleNames).map(([source, names]) => [
          `Names in ${code(source)}`,
          (names[rule.id] ?? []).map(code).join(', '),
        ]),
      ],
    ),
    '### Options',
    optionsTable(rule),
    ...runbookSection(rule),
    '### Permissions',
    table(
      ['for', 'actions', 'resources', 'condition'],
      [
        ...permissionRows('reading', permissions.read),
        ...permissionRows('fixing', permissions.write),
        ...permissionRows('undo', permissions.undo),
        ...(runbook === undefined
          ? []
          : [
              ...permissionRows('following the runbook', [followPermission(runbook), findPermission]),
              ...permissionRows('starting the runbook', startPermissions(runbook)),
              ...permissionRows('the runbook, in its own role', runbook.permissions),
            ]),
      ],
    ),
  ].join('\n\n');
}

const rules = ruleIds.map(factsOf);
const text = `${[
  '<!-- generated by scripts/docs.ts: change lambdas/rules, then run `node scripts/docs.ts` -->',
  '# Rules',
  'What each rule finds and changes, what it leaves alone, and what it needs. The role in a target account holds the permissions of the rules that are enabled for it, in every region. The session of a job is narrower: it holds the permissions of one rule in one region; in a dry run only those for reading, and for an undo only those of the undo, which the role has with `undo = true`.',
  `Where a rule has a runbook, \`method = "runbook"\` lets Systems Manager Automation run it in the account. When it has ended, the resource is read back. If it still violates the rule, it is fixed as with \`method = "api"\`, or reported as \`failed\` with \`runbook_then = "report"\`. Changes by a runbook are not undone; the outcome's \`seen\` shows the state before it.`,
  table(
    ['rule', 'legacy id', 'finds', 'what it does', 'runbook'],
    rules.map(({ id, legacyId, documentation, runbook }) => [
      `[${code(id)}](#${id})`,
      code(legacyId),
      firstClause(documentation.finds),
      firstClause(documentation.changes),
      runbook === undefined ? '' : 'yes',
    ]),
  ),
  'The key in `rules` is the id or the legacy id. A rule matches findings by its Netskope rule name; `netskope_rule_names` adds names, for a custom rule in Netskope or another benchmark.',
  ...rules.map(section),
].join('\n\n')}\n`;

await writeGenerated(
  'documentation of rules',
  new Map([
    [file, text],
    ['docs/library.md', await libraryText()],
    ['docs/operations.md', withEndpoints(await readOrEmpty('docs/operations.md'))],
  ]),
);
