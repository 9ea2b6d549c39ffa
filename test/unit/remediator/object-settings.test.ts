import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ParameterStore } from '../../../lambdas/aws/parameter-store.ts';
import { SettingsObjects } from '../../../lambdas/aws/settings-objects.ts';
import { SettingsError } from '../../../lambdas/model/errors.ts';
import { ObjectSettings } from '../../../lambdas/remediator/object-settings.ts';
import {
  type Answer,
  jsonAnswer,
  type ReceivedCall,
  type ScriptedAws,
  s3Error,
  scriptedAws,
} from '../../lab/scripted-aws/scripted-aws.ts';
import { accountSettingsOf, RULE, ruleSettingsOf } from './support/remediator-in-memory.ts';

const RULE_KEY = `rules/${RULE}.json`;
const ACCOUNTS_KEY = 'accounts.json';

/** A settings bucket and the pause parameter, as S3 and Systems Manager return them. */
class Stored {
  readonly #versions = new Map<string, string[]>();
  pause: string | undefined = 'none';
  /** An answer that S3 gives instead. */
  fault: Answer | undefined;

  constructor() {
    this.put(RULE_KEY, ruleSettingsOf());
    this.put(ACCOUNTS_KEY, accountSettingsOf());
  }

  put(key: string, value: unknown): void {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    this.#versions.set(key, [...(this.#versions.get(key) ?? []), text]);
  }

  remove(key: string): void {
    this.#versions.delete(key);
  }

  readonly answer = ({ headers, path }: ReceivedCall): Answer => {
    if (headers['x-amz-target'] === 'AmazonSSM.GetParameter') {
      if (this.pause === undefined) return jsonAnswer({ __type: 'ParameterNotFound' }, 400);
      return jsonAnswer({ Parameter: { Name: '/cspm/pause', Value: this.pause } });
    }
    if (this.fault !== undefined) return this.fault;
    const key = decodeURIComponent(new URL(path, 'http://s3').pathname.replace('/cspm-settings/', ''));
    const versions = this.#versions.get(key) ?? [];
    const body = versions.at(-1);
    if (body === undefined) return s3Error('NoSuchKey', 404);
    const etag = `"${key}-${versions.indexOf(body)}"`;
    if (headers['if-none-match'] === etag) return { status: 304, body: '', headers: { etag } };
    return { status: 200, body, headers: { etag, 'x-amz-version-id': `v${versions.length}` } };
  };
}

/** Creates settings whose sleeps run `whileAsleep` instead of waiting. */
function settingsFrom(aws: ScriptedAws, whileAsleep: (sleeps: number) => void = () => {}) {
  const sleeps: number[] = [];
  const clientOptions = {
    endpoint: aws.endpoint,
    maxAttempts: 1,
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  };
  const parameters = new ParameterStore({ region: 'eu-central-1', clientOptions });
  const objects = new SettingsObjects({
    bucket: 'cspm-settings',
    owner: '111111111111',
    region: 'us-east-1',
    clientOptions,
  });
  const source = new ObjectSettings(objects, parameters, 'cspm', {
    now: () => Date.now(),
    async sleep(milliseconds) {
      sleeps.push(milliseconds);
      whileAsleep(sleeps.length);
    },
  });
  return { source, sleeps };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('settings', () => {
  test('are those of the rule and of the accounts, with the versions of both', async () => {
    const stored = new Stored();
    stored.put(RULE_KEY, ruleSettingsOf({ options: { max_age_days: 30 } }));
    await using aws = await scriptedAws(stored.answer);

    const settings = await settingsFrom(aws).source.read(RULE);

    expect(settings).toEqual({
      ...ruleSettingsOf({ options: { max_age_days: 30 } }),
      allRules: accountSettingsOf(),
      versions: { rule: 'v2', accounts: 'v1' },
    });
    expect(aws.calls.map(({ headers }) => headers['x-amz-expected-bucket-owner'])).toEqual([
      '111111111111',
      '111111111111',
    ]);
  });

  test('are read again only after 15 seconds, by their ETags', async () => {
    const stored = new Stored();
    await using aws = await scriptedAws(stored.answer);
    const { source } = settingsFrom(aws);
    const first = await source.read(RULE);
    stored.put(RULE_KEY, ruleSettingsOf({ mode: 'off' }));

    vi.advanceTimersByTime(14_900);
    const soon = await source.read(RULE);
    vi.advanceTimersByTime(200);
    const later = await source.read(RULE);

    expect([first.mode, soon.mode, later.mode]).toEqual(['enforce', 'enforce', 'off']);
    expect(later.versions).toEqual({ rule: 'v2', accounts: 'v1' });
    expect(aws.calls.map(({ headers }) => headers['if-none-match'])).toEqual([
      undefined,
      undefined,
      `"${RULE_KEY}-0"`,
      `"${ACCOUNTS_KEY}-0"`,
    ]);
  });

  test('are read once for all callers in the meantime', async () => {
    const stored = new Stored();
    await using aws = await scriptedAws(stored.answer);
    const { source } = settingsFrom(aws);

    const [one, other] = await Promise.all([source.read(RULE), source.read(RULE)]);

    expect(one).toEqual(other);
    expect(aws.calls).toHaveLength(2);
  });

  test('that S3 reports as unchanged are cached for another 15 seconds', async () => {
    const stored = new Stored();
    await using aws = await scriptedAws(stored.answer);
    const { source } = settingsFrom(aws);
    const first = await source.read(RULE);
    vi.advanceTimersByTime(16_000);
    const second = await source.read(RULE);
    vi.advanceTimersByTime(14_000);
    const third = await source.read(RULE);

    expect([second, third]).toEqual([first, first]);
    expect(aws.calls).toHaveLength(4);
  });

  test('of two applies, one of which names a group that the other lacks, are read again until they match', async () => {
    const stored = new Stored();
    stored.put(RULE_KEY, ruleSettingsOf({ mode_by_group: { production: 'dry_run' } }));
    await using aws = await scriptedAws(stored.answer);
    const { source, sleeps } = settingsFrom(aws, (count) => {
      if (count === 2) stored.put(ACCOUNTS_KEY, accountSettingsOf({ groups: { production: [] } }));
    });

    const { allRules } = await source.read(RULE);

    expect(allRules.groups).toEqual({ production: [] });
    expect(sleeps).toHaveLength(2);
  });

  test('that never match stop the rule after some seconds', async () => {
    const stored = new Stored();
    stored.put(RULE_KEY, ruleSettingsOf({ excluded_groups: ['sandbox'] }));
    await using aws = await scriptedAws(stored.answer);
    const { source, sleeps } = settingsFrom(aws);

    const reading = source.read(RULE);

    await expect(reading).rejects.toThrow(SettingsError);
    await expect(reading).rejects.toThrow(
      'name the account groups "sandbox", which are not in accounts.json',
    );
    expect(sleeps.reduce((sum, each) => sum + each, 0)).toBe(10_000);
  });

  test.each([RULE_KEY, ACCOUNTS_KEY])('that cannot be parsed stop the rule at once: %s', async (key) => {
    const stored = new Stored();
    stored.put(key, '{"mode":');
    await using aws = await scriptedAws(stored.answer);
    const { source, sleeps } = settingsFrom(aws);

    const reading = source.read(RULE);

    await expect(reading).rejects.toThrow(SettingsError);
    await expect(reading).rejects.toThrow(`settings in ${key}: they are not JSON`);
    expect(sleeps).toEqual([]);
  });

  test.each([RULE_KEY, ACCOUNTS_KEY])(
    'that are gone stop the rule, regardless of what is cached: %s',
    async (key) => {
      const stored = new Stored();
      await using aws = await scriptedAws(stored.answer);
      const { source } = settingsFrom(aws);
      await source.read(RULE);
      stored.remove(key);
      vi.advanceTimersByTime(16_000);

      const reading = source.read(RULE);

      await expect(reading).rejects.toThrow(SettingsError);
      await expect(reading).rejects.toThrow(
        `settings in ${key} cannot be read; nothing is changed until this is fixed: NoSuchKey: NoSuchKey`,
      );
    },
  );

  test('that AWS refuses to return stop the rule, and the error names them', async () => {
    const stored = new Stored();
    stored.fault = s3Error('AccessDenied', 403);
    await using aws = await scriptedAws(stored.answer);

    const reading = settingsFrom(aws).source.read(RULE);

    await expect(reading).rejects.toThrow(SettingsError);
    await expect(reading).rejects.toThrow(
      `settings in ${RULE_KEY} cannot be read; nothing is changed until this is fixed: AccessDenied`,
    );
  });

  test.each<[string, Answer]>([
    ['SlowDown', s3Error('SlowDown', 503)],
    ['InternalError', s3Error('InternalError', 500)],
  ])(
    'that AWS does not return now: %s is thrown as AWS’s own error, and the cache is not used',
    async (name, fault) => {
      const stored = new Stored();
      await using aws = await scriptedAws(stored.answer);
      const { source } = settingsFrom(aws);
      await source.read(RULE);
      stored.fault = fault;
      vi.advanceTimersByTime(16_000);

      await expect(source.read(RULE)).rejects.toMatchObject({ name });
    },
  );
});

describe('pause', () => {
  test('is read again after two seconds, so that it is effective within five', async () => {
    const stored = new Stored();
    await using aws = await scriptedAws(stored.answer);
    const { source } = settingsFrom(aws);
    await source.pause();
    stored.pause = 'all';

    vi.advanceTimersByTime(1_900);
    const soon = await source.pause();
    vi.advanceTimersByTime(200);
    const later = await source.pause();

    expect([soon, later]).toEqual(['none', 'all']);
    expect(aws.calls).toHaveLength(2);
  });

  test('is as old as its request: a slow answer is not cached for longer', async () => {
    const stored = new Stored();
    await using aws = await scriptedAws((call) => {
      const answer = stored.answer(call);
      vi.advanceTimersByTime(stored.pause === 'none' ? 3_000 : 0);
      // Someone pauses just after the request was processed.
      stored.pause = 'all';
      return answer;
    });
    const { source } = settingsFrom(aws);

    const first = await source.pause();
    const second = await source.pause();

    expect([first, second]).toEqual(['none', 'all']);
  });

  test('is read once for all callers in the meantime, within two seconds', async () => {
    const stored = new Stored();
    await using aws = await scriptedAws(stored.answer);
    const { source } = settingsFrom(aws);

    const together = [source.pause(), source.pause()];
    vi.advanceTimersByTime(2_000);
    const later = source.pause();

    expect(await Promise.all([...together, later])).toEqual(['none', 'none', 'none']);
    expect(aws.calls).toHaveLength(2);
  });

  test('that cannot be read is read again by the next caller', async () => {
    const stored = new Stored();
    stored.pause = undefined;
    await using aws = await scriptedAws(stored.answer);
    const { source } = settingsFrom(aws);

    const together = await Promise.allSettled([source.pause(), source.pause()]);
    stored.pause = 'all';
    const next = await source.pause();

    expect(together.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(next).toBe('all');
    expect(aws.calls).toHaveLength(2);
  });

  test('that is missing stops everything', async () => {
    const stored = new Stored();
    stored.pause = undefined;
    await using aws = await scriptedAws(stored.answer);

    const reading = settingsFrom(aws).source.pause();

    await expect(reading).rejects.toThrow(SettingsError);
    await expect(reading).rejects.toThrow('parameter /cspm/pause cannot be read');
  });
});
