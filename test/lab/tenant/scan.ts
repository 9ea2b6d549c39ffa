import { wordsOf } from '../rules/index.ts';
import { type AccountVerdict, check, type ScanTarget } from './check.ts';
import type { ItemList, TenantItem } from './item.ts';
import { labelOfRegion } from './regions.ts';
import { formatTenantTime } from './time.ts';

/**
 * The results of a new scan.
 * @param at the scan's time
 * @param previous the results of the former scan: what failed there and still does has been failing since then
 */
export async function newScan(
  target: ScanTarget,
  at: Date,
  previous: ItemList<TenantItem>,
): Promise<TenantItem[]> {
  const failingSince = new Map<string, string>();
  for (let index = 0; index < previous.length; index++) {
    const item = previous.at(index);
    if (item?.failing_since !== undefined) failingSince.set(identity(item), item.failing_since);
  }
  const names = new Map(target.accounts.map(({ id, name }) => [id, name]));
  const verdicts = await check(target, at);
  return verdicts.map((verdict) => {
    const item = toItem(verdict, names.get(verdict.account) ?? verdict.account, at);
    return verdict.violated
      ? { ...item, failing_since: failingSince.get(identity(item)) ?? item.last_scan_time }
      : item;
  });
}

function identity({ account_id, region_name, rule_name, resource_id }: TenantItem): string {
  return JSON.stringify([account_id, region_name, rule_name, resource_id]);
}

function toItem(verdict: AccountVerdict, accountName: string, at: Date): TenantItem {
  const { profile, standard, ...rule } = wordsOf(verdict.rule);
  return {
    ...rule,
    status: verdict.violated ? 'Failed' : 'Passed',
    account_id: verdict.account,
    account_name: accountName,
    remediation_steps: 'Not Available',
    resource_id: verdict.resource,
    resource_name: verdict.name,
    cloud_provider: 'AWS',
    profiles: [profile],
    policies: ['baseline'],
    region_name: labelOfRegion(verdict.region),
    last_scan_time: formatTenantTime(at),
    tags: verdict.tags,
    compliance_standards: [standard],
  };
}
