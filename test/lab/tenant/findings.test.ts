import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pageOf, withExtraItems } from './faults.ts';
import { FindingStore } from './finding-store.ts';
import {
  fleetFindings,
  generatedItems,
  type ItemList,
  type TenantItem,
  tenantItem,
  unwantedItems,
} from './item.ts';
import { matches, readQuery } from './query.ts';
import { documentedRateLimit, RateLimit } from './rate-limit.ts';
import { labelOfRegion, regionLabels, regionOfLabel } from './regions.ts';
import { formatTenantTime } from './time.ts';

function all<Item>(list: ItemList<Item>): (Item | undefined)[] {
  return Array.from({ length: list.length }, (_, index) => list.at(index));
}

describe('times', () => {
  test.each([
    ['2020-02-12T02:30:17Z', '2020-02-12 02:30:17AM'],
    ['2020-02-12T00:00:00Z', '2020-02-12 12:00:00AM'],
    ['2020-02-12T12:05:09Z', '2020-02-12 12:05:09PM'],
    ['2020-12-31T23:59:59.999Z', '2020-12-31 11:59:59PM'],
  ])('%s is written %s', (iso, written) => {
    expect(formatTenantTime(new Date(iso))).toBe(written);
  });
});

describe('regions', () => {
  test('each label belongs to one region', () => {
    for (const code of Object.keys(regionLabels)) expect(regionOfLabel(labelOfRegion(code))).toBe(code);
  });

  test('global is not the label of a region, and a region without a published label has its code as name', () => {
    expect([labelOfRegion('global'), labelOfRegion('il-central-1')]).toEqual(['global', 'il-central-1']);
  });
});

describe('queries', () => {
  const item = tenantItem({
    account_name: 'production',
    policies: ['nightly', 'baseline'],
    tags: [
      { name: 'team', value: 'blue' },
      { name: 'cost', value: '12' },
    ],
    auto_remediation_status: 'errored',
    remediated_by: 'AutoRemediation',
  });

  test.each([
    ['cloud_provider', 'aws', 'azure'],
    ['status', 'Failed', 'Passed'],
    ['muted', 'No', 'Yes'],
    ['rule_name', item.rule_name, item.rule_name.toLowerCase()],
    ['account_id', '111111111111', '11111111111'],
    ['account_name', 'production', 'prod'],
    ['policy_name', 'baseline', 'base'],
    ['profile_name', 'CIS AWS Foundations Benchmark v1.2.0', 'CIS'],
    ['resource_id', 'sg-0123456789abcdef0', 'sg-0'],
    ['resource_name', 'sg-0123456789abcdef0', 'sg-0'],
    ['resource_type', 'SecurityGroup', 'User'],
    ['resource_category', 'Network', 'Identity'],
    ['compliance_standard', 'CIS-1.2.0', 'NIST-CSF-1.1'],
    ['severity', 'High', 'Low'],
    ['region', 'eu-central-1', 'EU(Frankfurt)'],
    ['remediated_by', 'AutoRemediation', 'OnDemandRemediation'],
    ['last_remediation_status', 'Errored', 'None'],
  ])('%s selects by the exact value', (name, right, wrong) => {
    const chosen = [right, wrong].map((value) => {
      const query = readQuery({ [name]: value, limit: '1' });
      if ('errors' in query) throw new Error(query.errors.join());
      return matches(query.filter, item);
    });
    expect(chosen).toEqual([true, false]);
  });

  test('a tag is selected by name and value of the same tag', () => {
    const chosen = ['blue', '12'].map((tag_value) => matches({ tag_name: 'team', tag_value }, item));
    expect(chosen).toEqual([true, false]);
    expect(readQuery({ tag_name: 'team', limit: 1 })).toEqual({
      errors: ['Parameters tag_name and tag_value must be given together'],
    });
  });

  test('an item is unmuted unless its mute says "true"', () => {
    const chosen = [{}, { mute: 'false' }, { mute: 'true' }] as const;
    expect(chosen.map((mute) => matches({ muted: 'No' }, tenantItem(mute)))).toEqual([true, true, false]);
  });

  test('no unwanted item matches the filter that it is made for', () => {
    const { rule_name } = item;
    const filter = { cloud_provider: 'aws', status: 'Failed', muted: 'No', rule_name } as const;
    expect(matches(filter, tenantItem())).toBe(true);
    expect(unwantedItems().filter((unwanted) => matches(filter, unwanted))).toEqual([]);
  });

  test.each([
    [{}, 'limit'],
    [{ limit: '0' }, 'limit'],
    [{ limit: '10000' }, 'limit'],
    [{ limit: '-1' }, 'limit'],
    [{ limit: '1.5' }, 'limit'],
    [{ limit: '5', skip: '-1' }, 'skip'],
    [{ limit: '5', as_of: '2020-02-12' }, 'as_of'],
    [{ limit: '5', status: 'failed' }, 'status'],
    [{ limit: '5', muted: 'false' }, 'muted'],
    [{ limit: '5', cloud_provider: 'AWS' }, 'cloud_provider'],
  ])('%j is refused for its %s', (parameters, name) => {
    const query = readQuery(parameters);
    expect('errors' in query ? query.errors : []).toEqual([expect.stringContaining(`parameter ${name}:`)]);
  });

  test('limit may be 1 to 9999; skip is 0 unless given; unknown parameters are ignored', () => {
    expect(readQuery({ limit: '9999', platform: 'aws' })).toEqual({
      filter: {},
      asOf: undefined,
      limit: 9999,
      skip: 0,
    });
    expect(readQuery({ limit: 1, skip: 7, as_of: 1_580_000_000 })).toEqual({
      filter: {},
      asOf: new Date('2020-01-26T00:53:20Z'),
      limit: 1,
      skip: 7,
    });
  });
});

describe('history', () => {
  const monday = new Date('2026-03-02T06:00:00Z');
  const tuesday = new Date('2026-03-03T06:00:00Z');
  const ids = (store: FindingStore, at: string): (string | undefined)[] =>
    all(store.matching({}, new Date(at))).map((item) => item?.resource_id);

  test('each time has the results of the latest scan before it', () => {
    const store = new FindingStore();
    // In the wrong order, as with a slow scan.
    store.addScan(tuesday, [tenantItem({ resource_id: 'sg-2' })]);
    store.addScan(monday, [tenantItem({ resource_id: 'sg-1' })]);
    expect(ids(store, '2026-03-02T05:59:59Z')).toEqual([]);
    expect(ids(store, '2026-03-02T06:00:00Z')).toEqual(['sg-1']);
    expect(ids(store, '2026-03-03T05:59:59Z')).toEqual(['sg-1']);
    expect(ids(store, '2026-03-04T00:00:00Z')).toEqual(['sg-2']);
  });

  test('set findings exist at all times; added findings join the latest scan', () => {
    const store = new FindingStore();
    store.addScan(monday, [tenantItem()]);
    store.setFindings([tenantItem({ resource_id: 'sg-1' })]);
    store.addFindings([tenantItem({ resource_id: 'sg-2' })]);
    expect(ids(store, '2001-01-01T00:00:00Z')).toEqual(['sg-1', 'sg-2']);
  });

  test('a mute counts from its start to its end, across scans, and stays recorded', () => {
    const { rule_name } = tenantItem();
    const store = new FindingStore();
    store.addScan(monday, [tenantItem({ resource_id: 'sg-1' })]);
    store.addScan(tuesday, [tenantItem({ resource_id: 'sg-1' }), tenantItem({ resource_id: 'sg-2' })]);
    store.mute(
      { rule_name, resource_id: 'sg-1' },
      { by: 'me', since: new Date('2026-03-02T12:00:00Z'), until: new Date('2026-03-03T18:00:00Z') },
    );
    const muted = (at: string): (string | undefined)[] =>
      all(store.matching({ muted: 'Yes' }, new Date(at))).map((item) => item?.resource_id);
    expect(muted('2026-03-02T11:00:00Z')).toEqual([]);
    expect(muted('2026-03-02T13:00:00Z')).toEqual(['sg-1']);
    expect(muted('2026-03-03T07:00:00Z')).toEqual(['sg-1']);
    expect(muted('2026-03-03T18:00:00Z')).toEqual([]);
    expect(store.matching({ muted: 'No' }, new Date('2026-03-03T18:00:00Z')).at(0)).toMatchObject({
      mute: 'false',
      mute_by: 'me',
      mute_time: '2026-03-02 12:00:00PM',
      mute_until: '2026-03-03 06:00:00PM',
    });
  });

  test('a mute in one account does not affect the same resource of another one, and can be removed', () => {
    const { rule_name } = tenantItem();
    const target = { rule_name, resource_id: 'admin', account_id: '222222222222' };
    const store = new FindingStore();
    store.setFindings(
      ['111111111111', '222222222222'].map((account_id) => tenantItem({ resource_id: 'admin', account_id })),
    );
    store.mute(target, { by: 'me', since: monday });
    const open = (at: Date): (string | undefined)[] =>
      all(store.matching({ muted: 'No' }, at)).map((item) => item?.account_id);
    expect(open(tuesday)).toEqual(['111111111111']);
    store.unmute(target, new Date('2026-03-02T08:00:00Z'));
    expect(open(new Date('2026-03-02T07:00:00Z'))).toEqual(['111111111111']);
    expect(open(tuesday)).toEqual(['111111111111', '222222222222']);
  });

  test('a large set is searched once for all pages of a query', () => {
    let made = 0;
    const store = new FindingStore();
    store.setFindings(
      generatedItems(50_000, (index) => {
        made++;
        return tenantItem({ resource_id: `sg-${index}` });
      }),
    );
    let count = 0;
    for (let skip = 0; ; skip += 1000) {
      const page = pageOf(store.matching({ status: 'Failed' }, monday), { limit: 1000, skip });
      count += page.length;
      if (page.length < 1000) break;
    }
    expect(count).toBe(50_000);
    expect(made).toBe(100_000);
  });

  test('the findings of a fleet are all different, in all accounts and regions', () => {
    const items = all(fleetFindings(400, { accounts: 10, regions: ['eu-central-1', 'us-east-1'] }));
    expect(new Set(items.map((item) => item?.resource_id)).size).toBe(400);
    const places = new Set(items.map((item) => `${item?.account_id} ${item?.region_name}`));
    expect(places.size).toBe(20);
  });
});

describe('pages', () => {
  const items = (count: number): TenantItem[] =>
    Array.from({ length: count }, (_, index) => tenantItem({ resource_id: String(index) }));

  test('pages of any size together are the list', () => {
    fc.assert(
      fc.property(fc.nat({ max: 60 }), fc.integer({ min: 1, max: 70 }), (count, limit) => {
        const list = items(count);
        const pages: unknown[] = [];
        for (let skip = 0; skip <= count; skip += limit) pages.push(...pageOf(list, { limit, skip }));
        expect(pages).toEqual(list);
      }),
    );
  });

  test('overlapping pages contain every item, and at most `by` of each page twice', () => {
    fc.assert(
      fc.property(fc.nat({ max: 60 }), fc.integer({ min: 2, max: 20 }), fc.nat(), (count, limit, random) => {
        const by = random % limit;
        const list = items(count);
        const seen: unknown[] = [];
        let pages = 0;
        for (let skip = 0; ; skip += limit) {
          const met = [{ fault: { kind: 'pages_overlap', by } as const, before: pages++ }];
          const page = pageOf(list, { limit, skip }, met);
          seen.push(...page);
          if (page.length < limit) break;
        }
        expect(new Set(seen)).toEqual(new Set(list));
        expect(seen.length - list.length).toBeLessThanOrEqual(by * (pages - 1));
      }),
    );
  });

  test('extra items are mixed with the others, each once, and do not change their order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(), { maxLength: 30 }),
        fc.nat({ max: 12 }),
        fc.constantFrom('start', 'end', 'spread'),
        (base, extraCount, place) => {
          const extra = Array.from({ length: extraCount }, (_, index) => `extra ${index}`);
          const mixed = all(withExtraItems(base, extra, place));
          expect(mixed.filter((item) => typeof item === 'number')).toEqual(base);
          expect(mixed.filter((item) => typeof item === 'string')).toEqual(extra);
        },
      ),
    );
  });
});

describe('rate limit', () => {
  test('of a burst, 4 requests are served at once, 20 within the next four seconds, and the others are refused', () => {
    const limit = new RateLimit(documentedRateLimit);
    const waits = Array.from({ length: 30 }, () => limit.admit(1000));
    expect(waits.slice(0, 4)).toEqual([0, 0, 0, 0]);
    const queued = waits.slice(4, 24).map(Number);
    expect(Math.min(...queued)).toBe(1000);
    expect(Math.max(...queued)).toBeLessThan(5000);
    expect(waits.slice(24)).toEqual(Array(6).fill('refused'));
  });

  test('at most 24 requests are served in five seconds, and a patient client is never refused', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 900 }), { maxLength: 200 }), (gaps) => {
        const limit = new RateLimit(documentedRateLimit);
        const admitted: number[] = [];
        let now = 0;
        for (const gap of gaps) {
          now += gap;
          const recent = admitted.filter((time) => time > now - 5000).length;
          const wait = limit.admit(now);
          expect(wait === 'refused').toBe(recent >= 24);
          if (wait !== 'refused') admitted.push(now);
        }
      }),
    );
  });
});
