import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CollectorDependencies, collect } from '../../../lambdas/collector/collect.ts';
import type { PollRequest } from '../../../lambdas/collector/poll-request.ts';
import { regionLookup } from '../../../lambdas/collector/regions.ts';
import { SentJobs } from '../../../lambdas/collector/sent-jobs.ts';
import { DeliveryError, FindingSourceError } from '../../../lambdas/model/errors.ts';
import { jobId, MAX_FINDINGS_PER_JOB } from '../../../lambdas/model/job.ts';
import { unprocessableSchema } from '../../../lambdas/model/outcome.ts';
import { type PollSummary, pollSummarySchema } from '../../../lambdas/model/poll-summary.ts';
import { doneKey } from '../../../lambdas/model/table-items.ts';
import { factsOf } from '../../../lambdas/rules/catalogue.ts';
import type { FindingPage } from '../../../lambdas/sources/source.ts';
import { ItemsInMemory } from '../support/items-in-memory.ts';
import { FakeClock } from './support/fake-clock.ts';
import { FakeJobs, FakeRecords, FakeSource, page } from './support/fakes.ts';
import { groupId, SSH_RULE_NAME, sourceFinding } from './support/items.ts';

const HOME = 'eu-central-1';
const REQUEST: PollRequest = {
  poll: { source: 'netskope', rule: 'security-group-ssh-open', asOf: '2026-01-31T12:00:00Z' },
  rule: factsOf('security-group-ssh-open'),
  furtherRuleNames: [],
};

function setUp(...pages: readonly (FindingPage | Error)[]) {
  const source = new FakeSource(...pages);
  const jobs = new FakeJobs();
  const records = new FakeRecords();
  const clock = new FakeClock();
  const table = new ItemsInMemory();
  const dependencies: CollectorDependencies = {
    source,
    jobs,
    records,
    clock,
    sentJobs: (poll) => new SentJobs({ table, clock, poll, period: 3_600_000 }),
    alarmsOfRegion: async () => [],
    homeRegion: HOME,
    regions: [HOME, 'us-east-1', 'us-west-2'],
    lookUpRegion: regionLookup(),
  };
  return { source, jobs, records, clock, table, dependencies };
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

describe('a poll', () => {
  test("queries the source for every name of the rule as of the poll's time", async () => {
    const { source, dependencies } = setUp(page([]));

    await collect(dependencies, { ...REQUEST, furtherRuleNames: ['Our own', SSH_RULE_NAME] });

    expect(source.queries).toEqual([
      { ruleNames: [SSH_RULE_NAME, 'Our own'], asOf: new Date('2026-01-31T12:00:00Z') },
    ]);
  });

  test('sends findings as jobs of their account and region, and counts them', async () => {
    const { jobs, records, dependencies } = setUp(
      page([
        sourceFinding({ resource: groupId(1) }),
        sourceFinding({ resource: groupId(2), account: '222222222222' }),
      ]),
      page(
        [sourceFinding({ resource: groupId(3) }), sourceFinding({ resource: groupId(4), region: HOME })],
        [],
        { muted: 2 },
      ),
    );

    const summary = await collect(dependencies, REQUEST);

    expect(
      jobs.taken.map(({ account, region, chunk, findings }) => [account, region, chunk, findings.length]),
    ).toEqual(
      expect.arrayContaining([
        ['111111111111', 'us-east-1', 0, 2],
        ['222222222222', 'us-east-1', 0, 1],
        ['111111111111', HOME, 0, 1],
      ]),
    );
    expect(records.summaries).toEqual([summary]);
    expect(pollSummarySchema.parse(JSON.parse(JSON.stringify(summary)))).toEqual({
      version: 1,
      poll: REQUEST.poll,
      ruleNames: [SSH_RULE_NAME],
      startedAt: '2026-01-31T12:00:00.000Z',
      finishedAt: '2026-01-31T12:00:00.000Z',
      pages: 2,
      items: 6,
      findings: 4,
      duplicates: 0,
      deferred: 0,
      skipped: 0,
      skippedPlaces: 0,
      behind: [],
      closed: 0,
      unprocessable: {
        malformed_item: 0,
        malformed_account: 0,
        malformed_resource: 0,
        malformed_finding: 0,
        unknown_region_label: 0,
        region_missing: 0,
        region_not_deployed: 0,
      },
      leftAlone: { muted: 2, passed: 0, other_cloud: 0, other_rule: 0 },
      unknownRegionLabels: {},
      jobs: 3,
      destinations: [
        { account: '111111111111', region: 'us-east-1', jobs: 1, findings: 2 },
        { account: '222222222222', region: 'us-east-1', jobs: 1, findings: 1 },
        { account: '111111111111', region: HOME, jobs: 1, findings: 1 },
      ],
    });
  });

  test('sends the jobs of a region in tens, before it has read all pages', async () => {
    const full = page(
      Array.from({ length: 1_090 }, (_, index) => sourceFinding({ resource: groupId(index) })),
    );
    const { jobs, dependencies } = setUp(full, new FindingSourceError('the tenant is gone'));

    await expect(collect(dependencies, REQUEST)).rejects.toThrow('the tenant is gone');

    expect(jobs.taken.map(({ findings }) => findings.length)).toEqual(Array.from({ length: 10 }, () => 100));
  });

  test('counts each finding once, regardless of rule names and pages', async () => {
    const { jobs, dependencies } = setUp(
      page([sourceFinding(), sourceFinding({ sourceRuleName: 'Our own', region: 'us-east-1' })]),
      page([sourceFinding({ severity: 'High' })]),
    );

    const summary = await collect(dependencies, REQUEST);

    expect(jobs.taken.flatMap(({ findings }) => findings)).toEqual([
      expect.objectContaining({ sourceRuleName: SSH_RULE_NAME }),
    ]);
    expect(summary).toMatchObject({ items: 3, findings: 1, duplicates: 2 });
  });

  test('sends global findings to the home region once', async () => {
    const { jobs, dependencies } = setUp(
      page([
        sourceFinding({ resource: 'alice', region: 'global' }),
        sourceFinding({ resource: 'alice', region: 'US East(Ohio)' }),
        sourceFinding({ resource: 'alice', region: undefined }),
      ]),
    );

    const summary = await collect(dependencies, {
      ...REQUEST,
      rule: factsOf('iam-access-key-unrotated'),
      poll: { ...REQUEST.poll, rule: 'iam-access-key-unrotated' },
    });

    expect(jobs.taken).toMatchObject([{ region: HOME, findings: [{ region: 'global', resource: 'alice' }] }]);
    expect(summary).toMatchObject({ findings: 1, duplicates: 2 });
  });
});

describe('an item that cannot become part of a job', () => {
  test('is recorded with a reason, and the other items are processed', async () => {
    const { jobs, records, dependencies } = setUp(
      page(
        [
          sourceFinding({ resource: 'acl-1' }),
          sourceFinding({ account: '12' }),
          sourceFinding({ region: 'EU(Paris)' }),
          sourceFinding({ region: undefined }),
          sourceFinding(),
        ],
        [{ reason: 'malformed item: no good', item: { odd: true } }],
      ),
    );

    const summary = await collect(dependencies, REQUEST);

    expect(jobs.taken).toHaveLength(1);
    expect(summary.unprocessable).toMatchObject({
      malformed_item: 1,
      malformed_resource: 1,
      malformed_account: 1,
      region_not_deployed: 1,
      region_missing: 1,
    });
    expect(records.unprocessable).toHaveLength(5);
    for (const one of records.unprocessable)
      expect(unprocessableSchema.parse(one).poll).toEqual(REQUEST.poll);
    expect(records.unprocessable[0]).toMatchObject({
      reason: 'malformed item: no good',
      item: { odd: true },
    });
    expect(records.unprocessable[1]).toMatchObject({ item: { resource: 'acl-1', account: '111111111111' } });
  });

  test('is counted by region label if the label is unknown', async () => {
    const labels = ['Moon(Base)', 'Moon(Base)', 'Mars(North)'];
    const { dependencies } = setUp(
      page(labels.map((region, index) => sourceFinding({ region, resource: groupId(index) }))),
    );

    const summary = await collect(dependencies, REQUEST);

    expect(summary.unknownRegionLabels).toEqual({ 'Moon(Base)': 2, 'Mars(North)': 1 });
    expect(summary.unprocessable.unknown_region_label).toBe(3);
  });

  test('does not make the summary grow with an unlimited number of labels', async () => {
    const { dependencies } = setUp(
      page(Array.from({ length: 500 }, (_, index) => sourceFinding({ region: `Moon(${index})` }))),
    );

    const summary = await collect(dependencies, REQUEST);

    expect(Object.keys(summary.unknownRegionLabels).length).toBeLessThanOrEqual(51);
    expect(total(summary.unknownRegionLabels)).toBe(500);
  });

  test('is recorded once, however often the source returns it', async () => {
    const odd = { reason: 'malformed item: no good', item: { odd: true } };
    const { records, dependencies } = setUp(
      page([sourceFinding({ account: '1' })], [odd, odd]),
      page([], [odd]),
    );

    const summary = await collect(dependencies, REQUEST);

    expect(records.unprocessable).toHaveLength(2);
    expect(summary).toMatchObject({ items: 4, duplicates: 2 });
  });
});

describe('a finding that the source itself is fixing', () => {
  test('is left to the source by a job that says so, once, and is counted', async () => {
    const atWork = sourceFinding({ resource: groupId(1), remediationAtWork: 'Netskope is at work' });
    const { jobs, dependencies } = setUp(
      page([atWork, sourceFinding({ resource: groupId(2) })]),
      page([atWork]),
    );

    const summary = await collect(dependencies, REQUEST);

    const named = jobs.taken.map(({ findings, leaves }) => [
      findings.map(({ resource }) => resource),
      leaves,
    ]);
    expect(named).toEqual([
      [[groupId(2)], undefined],
      [[groupId(1)], { [groupId(1)]: 'Netskope is at work' }],
    ]);
    expect(jobs.taken[1]?.findings[0]).not.toHaveProperty('remediationAtWork');
    expect(summary).toMatchObject({ items: 3, findings: 1, deferred: 1, duplicates: 1, jobs: 1 });
    expect(pollSummarySchema.safeParse(summary).error).toBeUndefined();
  });

  test('keeps its own reason, if resources of other accounts and regions have the same id', async () => {
    const id = { resource: groupId(1) };
    const { jobs, dependencies } = setUp(
      page([
        sourceFinding({ ...id, remediationAtWork: 'since one' }),
        sourceFinding({ ...id, account: '222222222222', remediationAtWork: 'since two' }),
        sourceFinding({ ...id, region: HOME, remediationAtWork: 'since three' }),
      ]),
    );

    await collect(dependencies, REQUEST);

    const reasons = jobs.taken.map(({ account, region, leaves }) => [account, region, leaves?.[id.resource]]);
    expect(reasons.sort()).toEqual([
      ['111111111111', HOME, 'since three'],
      ['111111111111', 'us-east-1', 'since one'],
      ['222222222222', 'us-east-1', 'since two'],
    ]);
  });

  test('is in a job that fits into a message, however long the reasons are', async () => {
    // Three bytes per character: the names of a Japanese tenant, for example.
    const long = (length: number) => '\u5b9f'.repeat(length);
    const findings = Array.from({ length: 150 }, (_, index) =>
      sourceFinding({
        resource: groupId(index),
        accountName: long(256),
        resourceName: long(256),
        remediationAtWork: long(300),
      }),
    );
    const { jobs, dependencies } = setUp(page(findings));

    await collect(dependencies, REQUEST);

    const sizes = jobs.taken.map((job) => Buffer.byteLength(JSON.stringify(job)));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(256 * 1024);
    expect(jobs.taken.flatMap((job) => job.findings)).toHaveLength(150);
  });

  test('is in a job with another id if a repeated poll finds that the source is no longer fixing it', async () => {
    const given = sourceFinding({ resource: groupId(1) });
    const runs = [{ ...given, remediationAtWork: 'Netskope is at work' }, given].map((each) =>
      setUp(page([each])),
    );

    for (const { dependencies } of runs) await collect(dependencies, REQUEST);

    const jobs = runs.flatMap((each) => each.jobs.taken);
    expect(new Set(jobs.map(jobId)).size).toBe(2);
    expect(new Set(jobs.map(({ run }) => run)).size).toBe(2);
  });
});

describe('a finding to which an unreadable item may refer', () => {
  const LATER: PollRequest = { ...REQUEST, poll: { ...REQUEST.poll, asOf: '2026-01-31T13:00:00Z' } };
  const LAST: PollRequest = { ...REQUEST, poll: { ...REQUEST.poll, asOf: '2026-01-31T14:00:00Z' } };
  const [unread, gone] = [sourceFinding({ resource: groupId(1) }), sourceFinding({ resource: groupId(2) })];
  const elsewhere = sourceFinding({ resource: groupId(3), account: '222222222222' });

  /** Polls with all three findings, then with a page, then with none. @returns what the second and third poll close */
  async function closedBy(second: FindingPage): Promise<(readonly string[])[]> {
    const { jobs, dependencies } = setUp(page([unread, gone, elsewhere]));
    await collect(dependencies, REQUEST);
    const closed: string[][] = [];
    for (const [request, given] of [[LATER, second] as const, [LAST, page([])] as const]) {
      jobs.taken.length = 0;
      await collect({ ...dependencies, source: new FakeSource(given) }, request);
      closed.push(
        jobs.taken
          .filter(({ closes }) => closes === true)
          .flatMap(({ findings }) => findings.map(({ resource }) => resource))
          .sort(),
      );
    }
    return closed;
  }
  const [one, two, three] = [groupId(1), groupId(2), groupId(3)];

  test.each([
    ['a new region label', page([{ ...unread, region: 'Atlantis' }]), [two, three]],
    ['no region', page([{ ...unread, region: undefined }]), [two, three]],
    ['a malformed field', page([{ ...unread, failingSince: 'yesterday' }]), [two, three]],
    ['a malformed resource', page([{ ...unread, resource: 'group 1' }]), [three]],
    ['a malformed account', page([{ ...unread, account: 'ours' }]), []],
    ['no known format', page([], [{ reason: 'not an object', item: 1 }]), []],
    ['a region that is not deployed', page([{ ...unread, region: 'eu-west-3' }]), [one, two, three]],
  ])('with %s is not closed until no item may refer to it', async (_, second, closedNow) => {
    const [now, later] = await closedBy(second);

    expect(now).toEqual(closedNow);
    expect(later).toEqual([one, two, three].filter((resource) => !closedNow.includes(resource)));
  });
});

describe('an account and region with pending jobs', () => {
  const later = { ...REQUEST, poll: { ...REQUEST.poll, asOf: '2026-01-31T13:00:00Z' } };

  test('gets no further jobs: its findings are counted as skipped, and are not closed', async () => {
    const first = sourceFinding({ resource: groupId(1) });
    const other = sourceFinding({ resource: groupId(2), account: '222222222222' });
    const { jobs, records, table, dependencies } = setUp(page([first, other]));
    await collect(dependencies, REQUEST);
    const done = { rule: REQUEST.poll.rule, account: other.account, region: 'us-east-1', poll: REQUEST.poll };
    await table.putIf({
      item: {
        ...{ ...doneKey(done), version: 1, expiresAt: 1, ...done },
        jobs: [{ job: 'a'.repeat(64), number: 1 }],
      },
      condition: { expression: 'attribute_not_exists(pk)', names: {}, values: {} },
    });

    const summary = await collect(dependencies, later);

    expect(summary).toMatchObject({ items: 2, findings: 1, skipped: 1, skippedPlaces: 1, closed: 0 });
    expect(pollSummarySchema.safeParse(summary).error).toBeUndefined();
    expect(jobs.taken.map(({ account }) => account)).toEqual([first.account, other.account, other.account]);
    expect(records.listings.get('netskope security-group-ssh-open')?.findings).toHaveLength(2);
  });

  test('gets its jobs at the next poll if the last poll did not complete', async () => {
    const given = page(
      Array.from({ length: 1_000 }, (_, index) => sourceFinding({ resource: groupId(index) })),
    );
    const { jobs, dependencies } = setUp(given);
    const failing = { ...dependencies, source: new FakeSource(given, new FindingSourceError('it is gone')) };
    await expect(collect(failing, REQUEST)).rejects.toThrow('it is gone');

    const summary = await collect(dependencies, later);

    expect(summary).toMatchObject({ findings: 1_000, skipped: 0 });
    expect(jobs.taken).toHaveLength(20);
  });
});

describe('a poll that fails', () => {
  test('for one region has sent jobs to the others, and writes no summary', async () => {
    const group = (region: string, first: number) =>
      Array.from({ length: 1_000 }, (_, index) =>
        sourceFinding({ region, resource: groupId(first + index) }),
      );
    const { jobs, records, dependencies } = setUp(
      page([...group('us-west-2', 0), ...group('us-east-1', 0)]),
      page([...group('us-west-2', 1_000), sourceFinding({ resource: groupId(1_000) })]),
    );
    const cause = new Error('SQS is down');
    jobs.failing.set('us-west-2', cause);

    const collecting = collect(dependencies, REQUEST);

    await expect(collecting).rejects.toThrow(DeliveryError);
    await expect(collecting).rejects.toMatchObject({
      message: expect.stringContaining('us-west-2: SQS is down'),
      cause,
    });
    expect(jobs.taken.map(({ region, findings }) => [region, findings.length])).toEqual([
      ...Array.from({ length: 10 }, () => ['us-east-1', 100]),
      ['us-east-1', 1],
    ]);
    expect(jobs.sends).toEqual(['us-west-2', 'us-east-1', 'us-east-1']);
    expect(records.summaries).toEqual([]);
  });

  test('halfway and is repeated sends the same jobs, with the same ids', async () => {
    const findings = Array.from({ length: 1_220 }, (_, index) => sourceFinding({ resource: groupId(index) }));
    const pages = [page(findings.slice(0, 1_090)), page(findings.slice(1_090))] as const;
    const first = setUp(pages[0], new FindingSourceError('the tenant is gone'));
    const second = setUp(...pages);

    await expect(collect(first.dependencies, REQUEST)).rejects.toThrow(FindingSourceError);
    await collect(second.dependencies, REQUEST);

    expect(first.jobs.taken.map(jobId)).toEqual(second.jobs.taken.map(jobId).slice(0, 10));
    expect(second.jobs.taken).toHaveLength(13);
    expect(first.records.summaries).toEqual([]);
  });

  test('because its time is up stops between two pages', async () => {
    const { jobs, dependencies } = setUp(
      page(Array.from({ length: 25 }, (_, index) => sourceFinding({ resource: groupId(index) }))),
    );
    const signal = AbortSignal.abort(new Error('the time is up'));

    await expect(collect(dependencies, REQUEST, signal)).rejects.toThrow('the time is up');

    expect(jobs.taken).toEqual([]);
  });
});

describe('for random findings', () => {
  const anyFinding = fc.record({
    account: fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom('111111111111', '222222222222') },
      fc.constantFrom('12', 'x'),
    ),
    region: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom('us-east-1', 'US East(N. Virginia)', 'EU (Frankfurt)') },
      fc.constantFrom(undefined, 'global', 'Moon(Base)', 'eu-west-3'),
    ),
    resource: fc.oneof(
      { weight: 9, arbitrary: fc.integer({ min: 0, max: 120 }).map(groupId) },
      fc.constantFrom('', 'acl-1'),
    ),
  });
  const anyPage = fc.record({
    findings: fc.array(anyFinding, { maxLength: 120 }),
    rejected: fc.array(fc.record({ reason: fc.constant('odd'), item: fc.jsonValue() }), { maxLength: 3 }),
    leftAlone: fc.record({
      muted: fc.nat(3),
      passed: fc.nat(3),
      other_cloud: fc.nat(3),
      other_rule: fc.nat(3),
    }),
  });
  const anyPages = fc.array(
    anyPage.map(
      ({ findings, rejected, leftAlone }): FindingPage => ({
        // JSON values as zod and JSON represent them: -0 is 0.
        rejected: rejected.map(({ reason, item }) => ({ reason, item: JSON.parse(JSON.stringify(item)) })),
        findings: findings.map((fields) => sourceFinding(fields)),
        leftAlone,
      }),
    ),
    { maxLength: 4 },
  );

  /** Computes the keys of the valid findings, independently of the collector's code. */
  const codes = new Map([
    ['us-east-1', 'us-east-1'],
    ['US East(N. Virginia)', 'us-east-1'],
    ['EU (Frankfurt)', 'eu-central-1'],
  ]);
  function goodFindings(pages: readonly FindingPage[]): Set<string> {
    return new Set(
      pages
        .flatMap(({ findings }) => findings)
        .flatMap(({ account, region = '', resource }) => {
          const code = codes.get(region);
          const isGood = account.length === 12 && code !== undefined && resource.startsWith('sg-');
          return isGood ? [`${account} ${code} ${resource}`] : [];
        }),
    );
  }

  test('every valid one is in exactly one job of its account and region, and the counts add up', async () => {
    await fc.assert(
      fc.asyncProperty(anyPages, async (pages) => {
        const { jobs, records, dependencies } = setUp(...pages);
        const summary: PollSummary = await collect(dependencies, REQUEST);

        const sent = jobs.taken.flatMap((job) =>
          job.findings.map(({ account, resource }) => {
            expect(account).toBe(job.account);
            return `${job.account} ${job.region} ${resource}`;
          }),
        );
        expect(sent.toSorted()).toEqual([...goodFindings(pages)].toSorted());
        for (const { findings } of jobs.taken)
          expect(findings.length).toBeLessThanOrEqual(MAX_FINDINGS_PER_JOB);

        const items = pages.reduce(
          (count, { findings, rejected, leftAlone }) =>
            count + findings.length + rejected.length + total(leftAlone),
          0,
        );
        expect(pollSummarySchema.safeParse(summary).error).toBeUndefined();
        expect(summary.items).toBe(items);
        expect(summary.findings).toBe(sent.length);
        expect(summary.jobs).toBe(jobs.taken.length);
        expect(total(summary.unprocessable)).toBe(records.unprocessable.length);
        expect(
          sent.length + records.unprocessable.length + summary.duplicates + total(summary.leftAlone),
        ).toBe(items);
      }),
      { numRuns: 100 },
    );
  });

  test('a second poll creates the same jobs', async () => {
    await fc.assert(
      fc.asyncProperty(anyPages, async (pages) => {
        const [first, second] = [setUp(...pages), setUp(...pages)];

        await collect(first.dependencies, REQUEST);
        await collect(second.dependencies, REQUEST);

        expect(second.jobs.taken.map(jobId)).toEqual(first.jobs.taken.map(jobId));
      }),
      { numRuns: 30 },
    );
  });
});
