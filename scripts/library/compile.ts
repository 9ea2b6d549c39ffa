import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { type CustomRule, customRuleSchema } from '../../lambdas/model/custom-rule.ts';
import { jsonSchema } from '../../lambdas/model/json.ts';

const root = path.resolve(import.meta.dirname, '../..');
const folder = path.join(root, 'lambdas/rules/library');
const table = path.join(root, 'modules/_custom-rules/resource-types.jsonl');

const given = z.array(
  z.strictObject({
    actions: z.array(z.string()),
    resources: z.array(z.string()),
    conditions: z.record(z.string(), z.record(z.string(), z.array(z.string()))).optional(),
  }),
);
const statements = given.default([]);
const document = z.strictObject({
  document: z.string(),
  version: z.string().default('$DEFAULT'),
  parameters: z.record(z.string(), z.array(z.string())).default({}),
});
const values = z.record(z.string(), jsonSchema).default({});

/** A rule of the library, in the form of `custom_rules`. */
const fileSchema = z.strictObject({
  title: z.string(),
  netskope_rule_names: z.array(z.string()).min(1),
  severity: z.enum(['low', 'medium', 'high', 'critical']),
  scope: z.enum(['regional', 'global']).default('regional'),
  resource_id_pattern: z.string().optional(),
  risk: z.string(),
  /** Sentences for `docs/library.md` that cannot be derived from the data. */
  notes: z.array(z.string()).default([]),
  desired_state: z
    .strictObject({
      resource_type: z.string(),
      identifier: z.string().default('{{resource}}'),
      violates: values,
      set: values,
      defaults: values,
      ready: values,
      allow_stack_managed: z.boolean().default(false),
    })
    .optional(),
  runbook: document.extend({ undo: document.optional(), resource_arn: z.string().optional() }).optional(),
  permissions: z.strictObject({
    read: statements,
    write: statements,
    undo: given.optional(),
    automation: statements,
  }),
});
type LibraryFile = z.infer<typeof fileSchema>;

const typeSchema = z.object({
  type: z.string(),
  identifier: z.array(z.string()),
  tags: z.string().nullable(),
});

const inRegion = { StringLike: { 'aws:RequestedRegion': ['${region}'] } };
/** Permissions to call Cloud Control itself. Keep in sync with `modules/_custom-rules/catalog.tf`. */
const cloudControl = {
  read: [
    {
      actions: [
        'cloudformation:DescribeStackResources',
        'cloudformation:GetResource',
        'cloudformation:GetResourceRequestStatus',
      ],
      resources: ['*'],
      conditions: inRegion,
    },
  ],
  write: [
    {
      actions: ['cloudformation:CancelResourceRequest', 'cloudformation:UpdateResource'],
      resources: ['*'],
      conditions: inRegion,
    },
  ],
  undo: [
    {
      actions: [
        'cloudformation:CancelResourceRequest',
        'cloudformation:GetResource',
        'cloudformation:GetResourceRequestStatus',
        'cloudformation:UpdateResource',
      ],
      resources: ['*'],
      conditions: inRegion,
    },
  ],
};

/** Permissions to read the tags of a runbook's resource. Keep in sync with the same file. */
const tagging = [{ actions: ['tag:GetResources'], resources: ['*'], conditions: inRegion }];

/** Converts `{{partition}}` to `${partition}`, the form in permissions. */
const filled = <T>(given: T): T =>
  JSON.parse(JSON.stringify(given).replaceAll(/\{\{(partition|region|account)\}\}/g, '$${$1}'));

const conditionOf = (value: unknown): unknown =>
  z.looseObject({ absent: z.literal(true) }).safeParse(value).success ||
  z.looseObject({ contains: z.unknown() }).safeParse(value).success
    ? value
    : { equals: value };

/** A rule of the library in the form that Terraform and the remediator use. */
export interface LibraryRule {
  readonly id: string;
  readonly names: readonly string[];
  /** Sentences for the documentation. */
  readonly notes: readonly string[];
  readonly definition: CustomRule;
}

async function typeOf(name: string): Promise<z.infer<typeof typeSchema>> {
  const line = (await readFile(table, 'utf8'))
    .split('\n')
    .find((text) => text.startsWith(`{"type":"${name}",`));
  if (line === undefined) throw new Error(`${name} is unknown: expected a type of ${table}`);
  return typeSchema.parse(JSON.parse(line));
}

async function definitionOf({
  netskope_rule_names: _,
  notes: __,
  ...file
}: LibraryFile): Promise<CustomRule> {
  const { desired_state, permissions, ...rest } = file;
  const filledIn = filled(permissions);
  const undo = filledIn.undo ?? filledIn.write;
  if (desired_state === undefined) {
    const read = [...(rest.runbook?.resource_arn === undefined ? [] : tagging), ...filledIn.read];
    return customRuleSchema.parse({ ...rest, permissions: { ...filledIn, read, undo } });
  }
  const { identifier: primary, tags } = await typeOf(desired_state.resource_type);
  const { violates } = desired_state;
  return customRuleSchema.parse({
    ...rest,
    desired_state: {
      ...desired_state,
      violates: Object.fromEntries(
        Object.entries(violates).map(([pointer, value]) => [pointer, conditionOf(value)]),
      ),
      primary_identifier: primary,
      tags,
    },
    permissions: {
      read: [...cloudControl.read, ...filledIn.read],
      write: [...cloudControl.write, ...filledIn.write],
      // An undo reads before it writes.
      undo: [...cloudControl.undo, ...filledIn.read, ...undo],
      automation: filledIn.automation,
    },
  });
}

/** Reads the library, by id. */
export async function readLibrary(): Promise<readonly LibraryRule[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.yaml')).sort();
  return Promise.all(
    files.map(async (file) => {
      const id = path.basename(file, '.yaml');
      const parsed = fileSchema.safeParse(parse(await readFile(path.join(folder, file), 'utf8')));
      if (!parsed.success) throw new Error(`${file}: ${z.prettifyError(parsed.error)}`);
      const { netskope_rule_names: names, notes } = parsed.data;
      return { id, names, notes, definition: await definitionOf(parsed.data) };
    }),
  );
}
