import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SettingsError } from '../../../lambdas/model/errors.ts';
import type { Job } from '../../../lambdas/model/job.ts';
import type { JobResult } from '../../../lambdas/remediator/job-result.ts';
import { denied } from './support/iam-account.ts';
import { jobOf, RemediatorInMemory, settingsOf } from './support/remediator-in-memory.ts';

const users = ['a', 'b', 'c', 'd', 'e', 'f'];

let remediator: RemediatorInMemory;
let output: string;
beforeEach(() => {
  remediator = new RemediatorInMemory(Object.fromEntries(users.map((user) => [user, [`AKIA-${user}`]])));
  output = '';
  vi.resetModules();
  vi.stubEnv('POWERTOOLS_METRICS_NAMESPACE', 'CspmAutoRemediation');
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((chunk) => {
      output += chunk.toString();
      return true;
    });
  }
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

const COUNTED = ['FailedFindings', 'SettingsInvalid', 'BreakerOpen', 'TakeBackFailed'];

/** Counts what alarms use of a result: the metrics without a rule. */
async function counted(result: JobResult, names = COUNTED): Promise<Record<string, unknown>> {
  const { report } = await import('../../../lambdas/remediator/report.ts');
  report(jobOf(...users), result);
  const metrics = output
    .split('\n')
    .filter((line) => line.includes('"_aws"') && !line.includes('"rule"'))
    .map((line): Record<string, unknown> => JSON.parse(line));
  return Object.assign(
    {},
    ...metrics.flatMap((metric) => names.flatMap((name) => (name in metric ? { [name]: metric[name] } : []))),
  );
}

const refuse = (...refused: readonly string[]): void => {
  remediator.account.fault = ({ operation, user }) =>
    operation === 'UpdateAccessKey' && refused.includes(user) ? denied : undefined;
};

/** Lists what was logged, without metrics. */
const messages = (): unknown[] =>
  output
    .split('\n')
    .filter((line) => line.includes('"level"'))
    .map((line): { message?: unknown } => JSON.parse(line))
    .map(({ message }) => message);

test('an outcome is logged when it is new, and counted in one line while it is unchanged', async () => {
  remediator.settings = settingsOf({ mode: 'dry_run' });
  const later = (): Job => {
    remediator.now += 3_600_000;
    const job = jobOf('a', 'b');
    return { ...job, poll: { ...job.poll, asOf: new Date(remediator.now).toISOString() } };
  };

  await counted(await remediator.attempt(later()));
  expect(messages()).toEqual([
    expect.stringMatching(/^planned: .* a$/),
    expect.stringMatching(/^planned: .* b$/),
  ]);
  output = '';
  remediator.account.users.delete('b');
  await counted(await remediator.attempt(later()));
  expect(messages()).toEqual([
    expect.stringMatching(/^gone: .* b: /),
    expect.stringMatching(/: 1 of 2 outcomes in account \d+ are unchanged since the last poll$/),
  ]);
});

test('outcomes are counted once, by the attempt whose events the bus accepts', async () => {
  refuse('a');
  const job = jobOf('a', 'b');
  const names = ['FailedFindings', 'OpenBreakers'];
  remediator.fault = (port) => (port === 'publish' ? new Error('the bus is away') : undefined);
  const first = await remediator.attempt(job);
  remediator.fault = () => undefined;
  const second = await remediator.attempt(job, { number: 2 });

  const ofFirst = await counted({ ...first, countsBreaker: true }, names);
  const ofRule = output.split('\n').filter((line) => line.includes('"_aws"') && line.includes('"rule"'));
  output = '';
  const ofSecond = await counted(second, names);

  expect(ofFirst).toEqual({ OpenBreakers: 1 });
  expect(ofRule).toEqual(
    ['ChangedResources', 'AccountLimitUsed'].map((name) => expect.stringContaining(name)),
  );
  expect(ofSecond).toEqual({ FailedFindings: 1 });
});

describe('one cause is one notification', () => {
  test('a failure of a finding is reported itself', async () => {
    refuse('a', 'b');

    expect(await counted(await remediator.attempt(jobOf('a', 'b', 'c')))).toEqual({ FailedFindings: 2 });
  });

  test('failures that open the breaker are reported by its notice, now and while they are backed off', async () => {
    refuse('a', 'b', 'c', 'd', 'e');

    const opened = await counted(await remediator.attempt(jobOf(...users)));
    output = '';
    remediator.now += 600_000;
    const asOf = new Date(remediator.now).toISOString();
    const job = jobOf(...users);
    const open = await counted(await remediator.attempt({ ...job, poll: { ...job.poll, asOf } }));

    expect(opened).toEqual({ BreakerOpen: 1 });
    expect(open).toEqual({ BreakerOpen: 1 });
    expect(remediator.heldBack.map(({ kind }) => kind)).toEqual(['breaker_open']);
  });

  test('settings that stop findings are reported once, regardless of jobs, rules, and regions', async () => {
    remediator.pause = 'everything';

    const results = [
      await remediator.attempt(jobOf('a', 'b')),
      await remediator.attempt({ ...jobOf('c'), region: 'us-east-1' }),
    ];

    expect(await counted(results[0] ?? (await remediator.attempt(jobOf('d'))))).toEqual({
      SettingsInvalid: 1,
    });
    expect(remediator.heldBack).toMatchObject([
      {
        kind: 'settings_invalid',
        account: 'all',
        words: expect.stringMatching(
          /^unknown value "everything" in pause .*nothing is changed until it is corrected\. Apply Terraform again, or correct the pause parameter\./,
        ),
      },
    ]);
  });

  test('settings that become invalid between two changes are also reported once', async () => {
    let asked = 0;
    remediator.fault = (port) => {
      asked += port === 'pause' ? 1 : 0;
      return port === 'pause' && asked > 1 ? new SettingsError('parameter /cspm/pause is empty') : undefined;
    };

    expect(await counted(await remediator.attempt(jobOf('a')))).toEqual({ SettingsInvalid: 1 });
    expect(remediator.heldBack.map(({ kind }) => kind)).toEqual(['settings_invalid']);
  });

  test('a problem with settings is reported again after a day', async () => {
    remediator.pause = 'everything';

    for (const hours of [1, 22, 2]) {
      await remediator.attempt(jobOf(`at-${hours}`));
      remediator.now += hours * 3_600_000;
    }

    expect(remediator.heldBack).toHaveLength(1);
    await remediator.attempt(jobOf('at last'));
    expect(remediator.heldBack).toHaveLength(2);
  });

  test('changes that could not be taken back have their own alarm', async () => {
    // The classes as in the modules that are loaded for this test.
    const { TakeBackError } = await import('../../../lambdas/model/errors.ts');
    const error = new TakeBackError('sgr-1 still stands');
    const result = await remediator.attempt(jobOf('a'));
    const open = result.outcomes.map((each) => ({ ...each, outcome: 'failed', stillOpen: true }) as const);
    const unfinished: JobResult['unfinished'] = jobOf('a').findings.map((finding) => {
      return { finding, state: 'retry', at: '', error, applied: [], details: {} };
    });

    expect(await counted({ ...result, outcomes: open, unfinished })).toEqual({ TakeBackFailed: 1 });
  });
});

test('recurring, held, and long-waiting findings, and open breakers are counted for the dashboard', async () => {
  const result = await remediator.attempt(jobOf('a', 'b', 'c'));
  const [fixed, other, last] = result.outcomes;
  if (fixed === undefined || other === undefined || last === undefined) throw new Error('expected outcomes');

  const counts = await counted(
    {
      ...result,
      outcomes: [
        { ...fixed, recurring: { times: 3, since: '2026-06-24T12:00:00.000Z' } },
        { ...other, outcome: 'deferred', gate: 'hold' },
        { ...last, outcome: 'planned', gate: 'breaker' },
      ],
      deferrals: { oldestDays: 12, lasting: 4 },
      countsBreaker: true,
    },
    ['RecurringFindings', 'LastingDeferrals', 'OldestDeferral', 'HeldFindings', 'OpenBreakers'],
  );

  expect(counts).toEqual({
    RecurringFindings: 1,
    LastingDeferrals: 4,
    OldestDeferral: 12,
    HeldFindings: 1,
    OpenBreakers: 1,
  });
});
