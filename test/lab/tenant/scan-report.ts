import { labRules } from '../rules/index.ts';
import type { TenantItem } from './item.ts';

/** The result of a scan. */
export interface ScanReport {
  readonly at: Date;
  readonly failed: readonly TenantItem[];
  readonly passed: readonly TenantItem[];
}

const codes = new Map<string, string>(
  Object.values(labRules).map(({ code, words }) => [words.rule_name, code]),
);

/** Text for people: one line for each failed item, in columns, and one with the counts. */
export function describeScan({ failed, passed }: ScanReport): string[] {
  const rows = failed.map((item) => [
    codes.get(item.rule_name) ?? item.rule_name,
    item.account_id,
    item.region_name,
    item.resource_id,
  ]);
  const widths = [0, 1, 2].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => row.map((text, column) => text.padEnd(widths[column] ?? 0)).join('  '));
  return [...lines, `${failed.length} failed, ${passed.length} passed`];
}
