import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  applyChange,
  describeChange,
  findChange,
  inverseOf,
  isChangeVisible,
} from '../../../lambdas/changes/index.ts';
import { rule } from '../../../lambdas/rules/cloudtrail-log-file-validation/rule.ts';
import { testSession } from '../../lab/accounts/session.ts';
import { actionsOf, answerByAction, grantedActions } from '../../lab/scripted-aws/called-actions.ts';
import { jsonAnswer, type ReceivedCall, scriptedAws } from '../../lab/scripted-aws/scripted-aws.ts';

const ACCOUNT = '111122223333';

/** Trails by home region, as AWS stores them. */
interface Trail {
  readonly region?: string;
  readonly name: string;
  readonly validated?: boolean;
  readonly multiRegion?: boolean;
  readonly organization?: boolean;
  readonly tags?: Readonly<Record<string, string>>;
}

const arnOf = ({ name, region = 'eu-central-1' }: Pick<Trail, 'name' | 'region'>): string =>
  `arn:aws:cloudtrail:${region}:${ACCOUNT}:trail/${name}`;

function regionOf(call: ReceivedCall): string {
  return /Credential=[^/]+\/\d{8}\/([^/]+)\//.exec(call.headers.authorization ?? '')?.[1] ?? '';
}

/**
 * Simulates CloudTrail as in its API reference: given ARNs, it returns the trails of the region that is called, and no error for others.
 */
async function cloudTrail(trails: Trail[], tagsPerPage: number | 'denied' = 20) {
  const inRegion = (call: ReceivedCall): Trail[] =>
    trails.filter(({ region = 'eu-central-1' }) => region === regionOf(call));
  return scriptedAws(
    answerByAction({
      'cloudtrail:DescribeTrails': (call) => {
        const asked = z.object({ trailNameList: z.array(z.string()) }).parse(JSON.parse(call.body));
        return jsonAnswer({
          trailList: inRegion(call)
            .filter((trail) => asked.trailNameList.includes(arnOf(trail)))
            .map((trail) => ({
              Name: trail.name,
              TrailARN: arnOf(trail),
              HomeRegion: trail.region ?? 'eu-central-1',
              IsMultiRegionTrail: trail.multiRegion ?? false,
              IsOrganizationTrail: trail.organization ?? false,
              LogFileValidationEnabled: trail.validated ?? false,
            })),
        });
      },
      'cloudtrail:ListTags': (call) => {
        if (tagsPerPage === 'denied')
          return jsonAnswer({ __type: 'AccessDeniedException', message: 'denied' }, 400);
        const { ResourceIdList, NextToken = '0' } = z
          .object({ ResourceIdList: z.array(z.string()).max(20), NextToken: z.string().optional() })
          .parse(JSON.parse(call.body));
        const found = ResourceIdList.map((arn) => trails.find((trail) => arnOf(trail) === arn));
        if (found.includes(undefined)) {
          return jsonAnswer({ __type: 'ResourceNotFoundException', message: 'a trail is gone' }, 400);
        }
        const from = Number(NextToken);
        return jsonAnswer({
          ResourceTagList: found.slice(from, from + tagsPerPage).map((trail, index) => ({
            ResourceId: ResourceIdList[from + index],
            TagsList: Object.entries(trail?.tags ?? {}).map(([Key, Value]) => ({ Key, Value })),
          })),
          ...(from + tagsPerPage < found.length && { NextToken: String(from + tagsPerPage) }),
        });
      },
      'cloudtrail:UpdateTrail': (call) => {
        const { Name, EnableLogFileValidation } = z
          .object({ Name: z.string(), EnableLogFileValidation: z.boolean() })
          .parse(JSON.parse(call.body));
        const index = trails.findIndex(
          (trail) => arnOf(trail) === Name && (trail.region ?? 'eu-central-1') === regionOf(call),
        );
        const trail = trails[index];
        if (trail === undefined) {
          return jsonAnswer({ __type: 'TrailNotFoundException', message: `unknown trail ${Name}` }, 400);
        }
        trails[index] = { ...trail, validated: EnableLogFileValidation };
        return jsonAnswer({ Name, LogFileValidationEnabled: EnableLogFileValidation });
      },
    }),
  );
}

const sessionOf = (endpoint: string, region = 'eu-central-1') =>
  testSession({ endpoint, account: ACCOUNT, region });

describe('the inspection of trails', () => {
  test('finds a trail without log file validation, and reads its tags', async () => {
    await using aws = await cloudTrail([{ name: 'events', tags: { team: 'blue' } }]);

    const assessments = await rule.assess(sessionOf(aws.endpoint), [arnOf({ name: 'events' })], {});

    expect(assessments.get(arnOf({ name: 'events' }))).toEqual({
      state: 'violation',
      seen: { name: 'events', homeRegion: 'eu-central-1', multiRegion: false, organization: false },
      tags: { team: 'blue' },
      plan: [
        {
          kind: 'cloudtrail-log-file-validation-set',
          resource: arnOf({ name: 'events' }),
          region: 'eu-central-1',
          before: false,
          after: true,
        },
      ],
    });
  });

  test('finds a trail with validation compliant, and a missing trail gone', async () => {
    await using aws = await cloudTrail([{ name: 'events', validated: true }]);
    const resources = ['events', 'old-events'].map((name) => arnOf({ name }));

    const assessments = await rule.assess(sessionOf(aws.endpoint), resources, {});

    expect(resources.map((resource) => assessments.get(resource)?.state)).toEqual(['compliant', 'gone']);
  });

  test('reads tags in the same step at first, and later only those of violations', async () => {
    const trails: Trail[] = [{ name: 'events', validated: true }];
    await using aws = await cloudTrail(trails);
    const session = sessionOf(aws.endpoint);
    const resource = arnOf({ name: 'events' });

    const atFirst = (await rule.assess(session, [resource], {})).get(resource);
    const calls = aws.calls.length;
    await rule.assess(session, [resource], {});
    const callsAgain = aws.calls.length - calls;
    trails[0] = { name: 'events', tags: { team: 'red' } };
    const atLast = (await rule.assess(session, [resource], {})).get(resource);

    expect(atFirst).toEqual({ state: 'compliant' });
    expect([calls, callsAgain]).toEqual([2, 1]);
    expect(atLast).toMatchObject({ state: 'violation', tags: { team: 'red' } });
  });

  test('finds a trail with validation compliant although its tags are denied', async () => {
    await using aws = await cloudTrail([{ name: 'events', validated: true }], 'denied');
    const resource = arnOf({ name: 'events' });

    const assessments = await rule.assess(sessionOf(aws.endpoint), [resource], {});

    expect(assessments.get(resource)).toEqual({ state: 'compliant' });
  });

  test('reads and fixes a shadow trail in its home region, regardless of the region of the finding', async () => {
    await using aws = await cloudTrail([{ name: 'events', region: 'us-east-1', multiRegion: true }]);
    const session = sessionOf(aws.endpoint, 'eu-central-1');
    const resource = arnOf({ name: 'events', region: 'us-east-1' });

    const assessment = (await rule.assess(session, [resource], {})).get(resource);
    if (assessment?.state !== 'violation') throw new Error('expected a violation');
    for (const change of assessment.plan) await applyChange(session, change);
    const after = (await rule.assess(session, [resource], {})).get(resource);

    expect(assessment.seen).toMatchObject({ homeRegion: 'us-east-1', multiRegion: true });
    expect(after).toEqual({ state: 'compliant' });
    expect(new Set(aws.calls.map(regionOf))).toEqual(new Set(['us-east-1']));
  });

  test("fixes an organization trail of the finding's account, and names the owner of another one without a call", async () => {
    await using aws = await cloudTrail([{ name: 'organization', organization: true }]);
    const own = arnOf({ name: 'organization' });
    const other = 'arn:aws:cloudtrail:eu-central-1:999988887777:trail/organization';

    const assessments = await rule.assess(sessionOf(aws.endpoint), [own, other], {});

    expect(assessments.get(own)).toMatchObject({ state: 'violation', seen: { organization: true } });
    expect(assessments.get(other)).toEqual({
      state: 'not_applicable',
      reason: 'an organization trail that account 999988887777 owns: only that account can change it',
    });
    expect(JSON.stringify(aws.calls.map(({ body }) => body))).not.toContain('999988887777');
  });

  test('reads 25 trails with one call, and their tags with two, on any number of pages', async () => {
    const trails = Array.from({ length: 25 }, (_, n) => ({ name: `trail-${n}`, tags: { number: `${n}` } }));
    await using aws = await cloudTrail(trails);
    await using paged = await cloudTrail(trails, 7);
    const resources = trails.map(arnOf);

    const assessments = await rule.assess(sessionOf(aws.endpoint), resources, {});
    const assessmentsOfPages = await rule.assess(sessionOf(paged.endpoint), resources, {});

    expect(aws.calls).toHaveLength(3);
    expect(assessments.get(arnOf({ name: 'trail-24' }))).toMatchObject({ tags: { number: '24' } });
    expect(assessmentsOfPages).toEqual(assessments);
  });

  test('finds a trail gone that is deleted between the two reads, and does not lose the others', async () => {
    const trails: Trail[] = [{ name: 'kept', tags: { team: 'blue' } }, { name: 'deleted' }];
    await using aws = await scriptedAws(
      answerByAction({
        'cloudtrail:DescribeTrails': () =>
          jsonAnswer({ trailList: trails.map((trail) => ({ Name: trail.name, TrailARN: arnOf(trail) })) }),
        'cloudtrail:ListTags': ({ body }) =>
          body.includes('deleted')
            ? jsonAnswer({ __type: 'ResourceNotFoundException', message: 'gone' }, 400)
            : jsonAnswer({
                ResourceTagList: [
                  { ResourceId: arnOf({ name: 'kept' }), TagsList: [{ Key: 'team', Value: 'blue' }] },
                ],
              }),
      }),
    );

    const assessments = await rule.assess(sessionOf(aws.endpoint), trails.map(arnOf), {});

    expect(assessments.get(arnOf({ name: 'kept' }))).toMatchObject({
      state: 'violation',
      tags: { team: 'blue' },
    });
    expect(assessments.get(arnOf({ name: 'deleted' }))).toEqual({ state: 'gone' });
  });
});

describe('the change', () => {
  const change = {
    kind: 'cloudtrail-log-file-validation-set',
    resource: arnOf({ name: 'events' }),
    region: 'eu-central-1',
    before: false,
    after: true,
  };

  test('is described in one line', async () => {
    await expect(describeChange(change)).resolves.toBe(
      '~ log file validation of arn:aws:cloudtrail:eu-central-1:111122223333:trail/events: off -> on',
    );
  });

  test('turns validation on; its inverse turns it off again', async () => {
    const trails: Trail[] = [{ name: 'events' }];
    await using aws = await cloudTrail(trails);
    const session = sessionOf(aws.endpoint);

    const applied = await applyChange(session, change);
    const after = trails[0]?.validated;
    const inverse = await inverseOf(applied);
    if (inverse !== undefined) await applyChange(session, inverse);

    expect(after).toBe(true);
    expect(trails[0]?.validated).toBe(false);
  });

  test('changes nothing else of the trail', async () => {
    await using aws = await cloudTrail([{ name: 'events' }]);

    await applyChange(sessionOf(aws.endpoint), change);

    expect(JSON.parse(aws.calls.at(-1)?.body ?? '')).toEqual({
      Name: change.resource,
      EnableLogFileValidation: true,
    });
  });

  test.each<{ what: string; trails: Trail[]; message: string }>([
    { what: 'deleted', trails: [], message: `trail ${change.resource} is gone: nothing was changed` },
    {
      what: 'fixed by its owner',
      trails: [{ name: 'events', validated: true }],
      message: `log file validation of ${change.resource} was turned on by someone else in the meantime`,
    },
  ])('is stale if the trail was $what after the read: nothing is written', async ({ trails, message }) => {
    await using aws = await cloudTrail(trails);

    const application = applyChange(sessionOf(aws.endpoint), change);

    await expect(application).rejects.toMatchObject({ name: 'StalePlanError', message });
    expect(actionsOf(aws.calls)).toEqual(['cloudtrail:DescribeTrails']);
  });

  test.each([
    { code: 'TrailNotFoundException', error: { name: 'StalePlanError' } },
    { code: 'ConflictException', error: { name: 'ChangeRefusedError', because: 'busy' } },
    // The trail's bucket must accept digest files, which only its owner can arrange.
    {
      code: 'InsufficientS3BucketPolicyException',
      error: { name: 'InsufficientS3BucketPolicyException' },
    },
  ])('fails as $error.name if AWS answers with $code', async ({ code, error }) => {
    await using aws = await scriptedAws(
      answerByAction({
        'cloudtrail:DescribeTrails': () => jsonAnswer({ trailList: [{ TrailARN: change.resource }] }),
        'cloudtrail:UpdateTrail': () => jsonAnswer({ __type: code, message: 'wait' }, 400),
      }),
    );

    const application = applyChange(sessionOf(aws.endpoint), change);

    await expect(application).rejects.toMatchObject(error);
  });

  test('is found if it was made without an answer, and not before', async () => {
    await using aws = await cloudTrail([{ name: 'events' }]);
    const session = sessionOf(aws.endpoint);

    const before = await findChange(session, change, new Date(0));
    await applyChange(session, change);
    const afterwards = await findChange(session, change, new Date(0));

    expect([before, afterwards]).toEqual([undefined, change]);
  });

  test('is confirmed when reads show it', async () => {
    await using aws = await cloudTrail([{ name: 'events' }]);
    const session = sessionOf(aws.endpoint);

    const inAnOldRead = await isChangeVisible(session, change);
    await applyChange(session, change);
    const afterwards = await isChangeVisible(session, change);

    expect([inAnOldRead, afterwards]).toEqual([false, true]);
  });
});

test('the rule uses exactly its declared permissions', async () => {
  await using aws = await cloudTrail([{ name: 'events' }]);
  const session = sessionOf(aws.endpoint);
  const resource = arnOf({ name: 'events' });

  const assessment = (await rule.assess(session, [resource], {})).get(resource);
  const read = actionsOf(aws.calls);
  if (assessment?.state !== 'violation') throw new Error('expected a violation');
  for (const change of assessment.plan) await applyChange(session, change);

  const { permissions } = rule;
  expect(grantedActions(permissions.read)).toEqual(read);
  expect(grantedActions(permissions.read, permissions.write)).toEqual(actionsOf(aws.calls));
  expect(grantedActions(permissions.undo)).toEqual(['cloudtrail:DescribeTrails', 'cloudtrail:UpdateTrail']);
});
