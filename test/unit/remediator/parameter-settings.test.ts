import { SSMProvider } from '@aws-lambda-powertools/parameters/ssm';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { SettingsError } from '../../../lambdas/model/errors.ts';
import { ParameterSettings } from '../../../lambdas/remediator/parameter-settings.ts';
import {
  type Answer,
  jsonAnswer,
  type ReceivedCall,
  type ScriptedAws,
  scriptedAws,
} from '../../lab/scripted-aws/scripted-aws.ts';
import { pieces } from './support/pieces.ts';
import { RULE, settingsOf } from './support/world.ts';

const askedSchema = z.looseObject({ Path: z.string().optional(), NextToken: z.string().optional() });

/** Parameters by name, ten to a page, as Systems Manager gives them. */
function systemsManager(parameters: Map<string, string>) {
  return (call: ReceivedCall): Answer => {
    const asked = askedSchema.parse(JSON.parse(call.body));
    if (call.headers['x-amz-target'] === 'AmazonSSM.GetParameter') {
      const { Name } = z.object({ Name: z.string() }).parse(asked);
      const Value = parameters.get(Name);
      if (Value === undefined) return jsonAnswer({ __type: 'ParameterNotFound' }, 400);
      return jsonAnswer({ Parameter: { Name, Value } });
    }
    const all = [...parameters].flatMap(([Name, Value]) =>
      Name.startsWith(`${asked.Path}/`) ? [{ Name, Value }] : [],
    );
    const from = Number(asked.NextToken ?? 0);
    const NextToken = from + 10 < all.length ? String(from + 10) : undefined;
    return jsonAnswer({ Parameters: all.slice(from, from + 10), NextToken });
  };
}

function cutInto(parameters: Map<string, string>, value: object, length?: number): void {
  const text = Buffer.from(JSON.stringify(value)).toString('base64');
  for (const [index, piece] of pieces(text, length).entries()) {
    parameters.set(`/cspm/rules/${RULE}/${index + 1}`, piece);
  }
}

/** What sleeping brings about is run instead of the time that it takes. */
function settingsFrom(aws: ScriptedAws, whileAsleep: (sleeps: number) => void = () => {}) {
  const sleeps: number[] = [];
  const provider = new SSMProvider({
    clientConfig: {
      endpoint: aws.endpoint,
      region: 'eu-central-1',
      maxAttempts: 1,
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    },
  });
  const source = new ParameterSettings(provider, 'cspm', {
    now: () => 0,
    async sleep(milliseconds) {
      sleeps.push(milliseconds);
      whileAsleep(sleeps.length);
    },
  });
  return { source, sleeps };
}

const targets = (aws: ScriptedAws): unknown[] => aws.calls.map(({ headers }) => headers['x-amz-target']);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('settings', () => {
  test('are put together from all their parameters, over pages', async () => {
    const parameters = new Map<string, string>();
    const settings = settingsOf({ options: { max_age_days: 30 } });
    cutInto(parameters, settings, 10);
    await using aws = await scriptedAws(systemsManager(parameters));

    await expect(settingsFrom(aws).source.read(RULE)).resolves.toEqual(settings);

    expect(parameters.size).toBeGreaterThan(10);
    expect(aws.calls.length).toBe(Math.ceil(parameters.size / 10));
  });

  test('are asked for again only after some seconds', async () => {
    const parameters = new Map<string, string>();
    cutInto(parameters, settingsOf());
    await using aws = await scriptedAws(systemsManager(parameters));
    const { source } = settingsFrom(aws);
    await source.read(RULE);
    cutInto(parameters, settingsOf({ mode: 'off' }));

    vi.advanceTimersByTime(5_000);
    const soon = await source.read(RULE);
    vi.advanceTimersByTime(60_000);
    const later = await source.read(RULE);

    expect([soon.mode, later.mode]).toEqual(['enforce', 'off']);
    expect(aws.calls).toHaveLength(2);
  });

  test('of two applies are waited for, and read anew, until they are whole', async () => {
    const parameters = new Map<string, string>();
    cutInto(parameters, settingsOf({ mode: 'off' }), 40);
    const old = [...parameters];
    cutInto(parameters, settingsOf({ mode: 'dry_run' }), 40);
    for (const [name, piece] of old.slice(1)) parameters.set(name, piece);
    await using aws = await scriptedAws(systemsManager(parameters));
    const { source, sleeps } = settingsFrom(aws, (count) => {
      if (count === 2) cutInto(parameters, settingsOf({ mode: 'dry_run' }), 40);
    });

    const { mode } = await source.read(RULE);

    expect(old.length).toBeGreaterThan(1);
    expect(mode).toBe('dry_run');
    expect(sleeps).toHaveLength(2);
  });

  test('that stay broken stop the rule after some seconds, and are tried again by the next job', async () => {
    const parameters = new Map([[`/cspm/rules/${RULE}/1`, 'enforce']]);
    await using aws = await scriptedAws(systemsManager(parameters));
    const { source, sleeps } = settingsFrom(aws);

    await expect(source.read(RULE)).rejects.toThrow(SettingsError);
    cutInto(parameters, settingsOf());

    await expect(source.read(RULE)).resolves.toMatchObject({ mode: 'enforce' });
    expect(sleeps.slice(0, 3).reduce((sum, each) => sum + each, 0)).toBe(10_000);
  });

  test('that are not there stop the rule', async () => {
    await using aws = await scriptedAws(systemsManager(new Map()));

    await expect(settingsFrom(aws).source.read(RULE)).rejects.toThrow(
      `settings of ${RULE}: there are none; nothing is changed`,
    );
  });

  test('that AWS refuses to show stop the rule, and it is said which', async () => {
    await using aws = await scriptedAws(() =>
      jsonAnswer({ __type: 'AccessDeniedException', message: 'no' }, 400),
    );
    const reading = settingsFrom(aws).source.read(RULE);

    await expect(reading).rejects.toThrow(SettingsError);
    await expect(reading).rejects.toThrow(
      `parameter /cspm/rules/${RULE} can't be read; nothing is changed until it can: AccessDeniedException: no`,
    );
  });

  test.each<[string, Answer]>([
    ['ThrottlingException', jsonAnswer({ __type: 'ThrottlingException' }, 400)],
    ['InternalServerError', jsonAnswer({ __type: 'InternalServerError' }, 500)],
  ])('that AWS does not give just now: %s as AWS says it', async (name, answer) => {
    await using aws = await scriptedAws(() => answer);

    await expect(settingsFrom(aws).source.read(RULE)).rejects.toMatchObject({ name });
  });
});

describe('pause', () => {
  test('is asked for again after two seconds, so that it holds within five', async () => {
    const parameters = new Map([['/cspm/pause', 'none']]);
    await using aws = await scriptedAws(systemsManager(parameters));
    const { source } = settingsFrom(aws);
    await source.pause();
    parameters.set('/cspm/pause', 'all');

    vi.advanceTimersByTime(1_900);
    const soon = await source.pause();
    vi.advanceTimersByTime(200);
    const later = await source.pause();

    expect([soon, later]).toEqual(['none', 'all']);
    expect(targets(aws)).toEqual(['AmazonSSM.GetParameter', 'AmazonSSM.GetParameter']);
  });

  test('that is missing stops everything', async () => {
    await using aws = await scriptedAws(systemsManager(new Map()));
    const reading = settingsFrom(aws).source.pause();

    await expect(reading).rejects.toThrow(SettingsError);
    await expect(reading).rejects.toThrow("parameter /cspm/pause can't be read");
  });
});
