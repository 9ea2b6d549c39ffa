import { z } from 'zod';
import type { TenantItem } from './item.ts';
import { regionOfLabel } from './regions.ts';

/** Parameters by name: text in the query, any type in a JSON body. */
export type RawParameters = Readonly<Record<string, unknown>>;

/** A JSON body may contain numbers where the query can only contain text. */
const text = z.union([z.string(), z.number().transform(String)]);
const wholeNumber = text.pipe(z.string().regex(/^\d+$/).transform(Number));

/** All documented parameters except for the token. Others are ignored, as Netskope seems to do. */
const querySchema = z.object({
  cloud_provider: z.enum(['aws', 'azure', 'googlecloud']).optional(),
  status: z.enum(['Passed', 'Failed']).optional(),
  muted: z.enum(['Yes', 'No']).optional(),
  rule_name: text.optional(),
  account_id: text.optional(),
  account_name: text.optional(),
  policy_name: text.optional(),
  profile_name: text.optional(),
  resource_id: text.optional(),
  resource_name: text.optional(),
  resource_type: text.optional(),
  resource_category: text.optional(),
  compliance_standard: text.optional(),
  tag_name: text.optional(),
  tag_value: text.optional(),
  severity: z.enum(['Critical', 'High', 'Medium', 'Low']).optional(),
  region: text.optional(),
  remediated_by: z.enum(['AutoRemediation', 'OnDemandRemediation']).optional(),
  last_remediation_status: z.enum(['None', 'Started', 'Completed', 'Errored']).optional(),
  as_of: wholeNumber.optional(),
  limit: wholeNumber.pipe(z.number().min(1).max(9999)),
  skip: wholeNumber.default(0),
});

type Query = z.output<typeof querySchema>;
/** A parameter that selects items. */
export type FilterName = Exclude<keyof Query, 'as_of' | 'limit' | 'skip'>;
/** A filter of items. */
export type ItemFilter = Pick<Query, FilterName>;

export interface AssessmentQuery {
  readonly filter: ItemFilter;
  /** Undefined: as of the time of the request. */
  readonly asOf: Date | undefined;
  readonly limit: number;
  readonly skip: number;
}

/** Reads a request to `security_assessment`, or what is wrong with it, one message per parameter. */
export function readQuery(parameters: RawParameters): AssessmentQuery | { readonly errors: string[] } {
  const parsed = querySchema.safeParse(parameters);
  if (!parsed.success) {
    return {
      errors: parsed.error.issues.map((issue) => {
        const name = issue.path.map(String).join('.');
        return `Invalid value ${JSON.stringify(parameters[name])} for parameter ${name}: ${issue.message}`;
      }),
    };
  }
  const { as_of, limit, skip, ...filter } = parsed.data;
  if ((filter.tag_name === undefined) !== (filter.tag_value === undefined)) {
    return { errors: ['Parameters tag_name and tag_value must be given together'] };
  }
  return { filter, asOf: as_of === undefined ? undefined : new Date(as_of * 1000), limit, skip };
}

function remediationStatus(item: TenantItem): string {
  return (item.auto_remediation_status ?? 'none').toLowerCase();
}

/** Tests by which each parameter selects, as documented: strings are matched exactly. */
const tests: {
  readonly [Name in FilterName]: (item: TenantItem, value: string, filter: ItemFilter) => boolean;
} = {
  cloud_provider: (item, value) => item.cloud_provider.toLowerCase() === value,
  status: (item, value) => item.status === value,
  muted: (item, value) => (item.mute === 'true') === (value === 'Yes'),
  rule_name: (item, value) => item.rule_name === value,
  account_id: (item, value) => item.account_id === value,
  account_name: (item, value) => item.account_name === value,
  policy_name: (item, value) => item.policies.includes(value),
  profile_name: (item, value) => item.profiles.includes(value),
  resource_id: (item, value) => item.resource_id === value,
  resource_name: (item, value) => item.resource_name === value,
  resource_type: (item, value) => item.resource_type === value,
  resource_category: (item, value) => item.resource_category === value,
  compliance_standard: (item, value) => item.compliance_standards.some(({ standard }) => standard === value),
  tag_name: (item, value, { tag_value }) =>
    item.tags.some((tag) => tag.name === value && tag.value === tag_value),
  // Checked together with the name.
  tag_value: () => true,
  severity: (item, value) => item.severity === value,
  region: (item, value) => regionOfLabel(item.region_name) === value,
  remediated_by: (item, value) => item.remediated_by === value,
  last_remediation_status: (item, value) => remediationStatus(item) === value.toLowerCase(),
};
const filterNames = querySchema.omit({ as_of: true, limit: true, skip: true }).keyof().options;

/** Reports whether the query selects the item. */
export function matches(filter: ItemFilter, item: TenantItem): boolean {
  return filterNames.every((name) => {
    const value = filter[name];
    return value === undefined || tests[name](item, value, filter);
  });
}
