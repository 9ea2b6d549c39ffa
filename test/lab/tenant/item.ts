import { labelOfRegion } from './regions.ts';
import { formatTenantTime } from './time.ts';

/**
 * One item of the answer, with the fields that Netskope documents (REST API v1, "View Security Assessment
 * Violations"). Times are GMT, `2020-02-12 02:30:17AM`; booleans are strings.
 */
export interface TenantItem {
  readonly status: 'Failed' | 'Passed';
  readonly account_id: string;
  readonly account_name: string;
  readonly rule_name: string;
  readonly remediation_steps: string;
  readonly resource_id: string;
  readonly resource_name: string;
  readonly resource_type: string;
  readonly resource_category: string;
  readonly severity: 'Critical' | 'High' | 'Medium' | 'Low';
  /** Set in a failed item. */
  readonly failing_since?: string;
  /** Set, like the three beside it, only in an item that is or was muted. */
  readonly mute?: 'true' | 'false';
  readonly mute_until?: string;
  readonly mute_time?: string;
  readonly mute_by?: string;
  readonly cloud_provider: 'AWS' | 'Azure' | 'GoogleCloud';
  readonly profiles: readonly string[];
  readonly policies: readonly string[];
  readonly auto_remediation_status?: string;
  readonly remediation_action_name?: string;
  readonly remediated_by?: string;
  readonly auto_remediation_time?: string;
  readonly is_auto_remediation?: 'true' | 'false';
  readonly error_msg?: string;
  /** `global`, or a label, not a code: `EU(Frankfurt)`. */
  readonly region_name: string;
  readonly last_scan_time: string;
  readonly tags: readonly { readonly name: string; readonly value: string }[];
  readonly compliance_standards: readonly ComplianceStandard[];
  readonly appname?: string;
}

export interface ComplianceStandard {
  readonly standard: string;
  readonly control: string;
  readonly section: string;
  readonly description: string;
  readonly reference_url: string;
}

/** Items in a fixed order, stored or made on demand. An array is one. */
export interface ItemList<Item> {
  readonly length: number;
  at(index: number): Item | undefined;
}

const SCANNED = formatTenantTime(new Date('2026-03-01T06:00:00Z'));

/** A failing security group that opens port 22 to the world, except for what is overridden. */
export function tenantItem(fields: Partial<TenantItem> = {}): TenantItem {
  const { status = 'Failed', resource_id = 'sg-0123456789abcdef0' } = fields;
  return {
    status,
    account_id: '111111111111',
    account_name: 'production',
    rule_name:
      'Communications and control network protection: Ensure no security groups allow ingress from 0.0.0.0/0 to port 22',
    remediation_steps: 'Not Available',
    resource_id,
    resource_name: resource_id,
    resource_type: 'SecurityGroup',
    resource_category: 'Network',
    severity: 'High',
    ...(status === 'Failed' && { failing_since: formatTenantTime(new Date('2026-02-12T02:30:17Z')) }),
    cloud_provider: 'AWS',
    profiles: ['CIS AWS Foundations Benchmark v1.2.0'],
    policies: ['baseline'],
    region_name: 'EU(Frankfurt)',
    last_scan_time: SCANNED,
    tags: [],
    compliance_standards: [
      {
        standard: 'CIS-1.2.0',
        control: '4.1',
        section: 'Networking',
        description: 'Ensure no security groups allow ingress from 0.0.0.0/0 to port 22',
        reference_url: 'https://www.cisecurity.org/benchmark/amazon_web_services',
      },
    ],
    ...fields,
  };
}

/** Items that are made on demand, so that a large set takes no memory. `make` must be pure. */
export function generatedItems(count: number, make: (index: number) => TenantItem): ItemList<TenantItem> {
  return { length: count, at: (index) => (index >= 0 && index < count ? make(index) : undefined) };
}

export interface FleetOptions {
  /** Number of accounts of the findings. Their ids count from 100000000000. */
  readonly accounts?: number;
  /** Region codes. */
  readonly regions?: readonly string[];
  /** Fields that all items share. */
  readonly fields?: Partial<TenantItem>;
}

/** Findings of different security groups, spread evenly over accounts and regions. */
export function fleetFindings(count: number, options: FleetOptions = {}): ItemList<TenantItem> {
  const { accounts = 100, regions = ['eu-central-1', 'us-east-1'], fields } = options;
  const labels = regions.map(labelOfRegion);
  return generatedItems(count, (index) => {
    const account = index % accounts;
    const resource = `sg-${index.toString(16).padStart(17, '0')}`;
    return tenantItem({
      account_id: String(100_000_000_000 + account),
      account_name: `account-${account}`,
      resource_id: resource,
      resource_name: `group-${index}`,
      region_name: labels[Math.floor(index / accounts) % labels.length] ?? 'global',
      ...fields,
    });
  });
}

/** Defects that an item of the answer may have. */
export const itemDefects = {
  account_missing: ({ account_id: _, ...item }: TenantItem) => item,
  resource_missing: ({ resource_id: _, ...item }: TenantItem) => item,
  rule_missing: ({ rule_name: _, ...item }: TenantItem) => item,
  status_missing: ({ status: _, ...item }: TenantItem) => item,
  cloud_missing: ({ cloud_provider: _, ...item }: TenantItem) => item,
  account_is_a_number: (item: TenantItem) => ({ ...item, account_id: Number(item.account_id) }),
  resource_is_null: (item: TenantItem) => ({ ...item, resource_id: null }),
  resource_is_an_object: (item: TenantItem) => ({ ...item, resource_id: { id: item.resource_id } }),
  resource_is_empty: (item: TenantItem) => ({ ...item, resource_id: '' }),
  status_is_unknown: (item: TenantItem) => ({ ...item, status: 'Indeterminate' }),
  mute_is_unknown: (item: TenantItem) => ({ ...item, mute: 'perhaps' }),
  item_is_null: () => null,
  item_is_text: (item: TenantItem) => item.resource_id,
  item_is_a_list: (item: TenantItem) => [item],
  item_is_nested_deeply: () => {
    let nested: unknown = 'end';
    for (let depth = 0; depth < 200; depth++) nested = { nested };
    return nested;
  },
} as const satisfies Record<string, (item: TenantItem) => unknown>;
export type ItemDefect = keyof typeof itemDefects;

/** The item once for each defect. */
export function malformedItems(item: TenantItem = tenantItem()): unknown[] {
  return Object.values(itemDefects).map((make) => make(item));
}

/** The item once for each reason for which a filter for failed, unmuted AWS findings of its rule would exclude it. */
export function unwantedItems(item: TenantItem = tenantItem()): TenantItem[] {
  const { failing_since: _, ...passed } = item;
  return [
    { ...item, cloud_provider: 'Azure' },
    { ...item, cloud_provider: 'GoogleCloud' },
    { ...passed, status: 'Passed' },
    { ...item, mute: 'true', mute_time: item.last_scan_time, mute_by: 'someone@example.com' },
    { ...item, rule_name: 'BPR-AWS | Ensure no user has AdminAccess policy' },
  ];
}

/** Valid variants of the item: informational fields are missing, unexpected or new. */
export function unusualItems(item: TenantItem = tenantItem()): unknown[] {
  const { status, account_id, rule_name, resource_id, cloud_provider, region_name } = item;
  return [
    { status, account_id, rule_name, resource_id, cloud_provider, region_name },
    { ...item, shiny_new_field: { nested: [1, 2, 3] }, risk_score: 97.5 },
    { ...item, tags: null, policies: 'baseline', compliance_standards: [null, 'CIS'], severity: 5 },
    { ...item, failing_since: 'yesterday', last_scan_time: 1_767_225_600 },
    { ...item, mute: 'false', resource_name: 'größe / "quoted" \u2028 name' },
  ];
}
