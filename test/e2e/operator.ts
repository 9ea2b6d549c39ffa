import { readFile } from 'node:fs/promises';
import path from 'node:path';
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DeleteItemCommand,
  DynamoDBClient,
  PutItemCommand,
  ScanCommand,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { beforeAll, describe, expect, test } from 'vitest';
import type { RunningDemo } from '../../demo/demo.ts';
import { accounts, homeRegion } from '../../demo/organization.ts';
import { itemOf } from '../integration/harness/violations.ts';
import { type AwsProxy, startAwsProxy } from '../lab/aws-proxy/index.ts';
import { PermissionJudge } from '../lab/permissions/index.ts';
import { labelOfRegion } from '../lab/tenant/index.ts';
import { type CommandLineUser, startPolicyUser } from './run-command-line.ts';

const NAME = 'cspm-auto-remediation';
const SSH = 'security-group-ssh-open';
const { security, production } = accounts;
const role = `arn:aws:iam::${security}:role/operator`;
const table = `arn:aws:dynamodb:${homeRegion}:${security}:table/${NAME}-findings`;

/** The commands of a section of docs/operations.md, one text per block. */
async function commandsOf(section: string): Promise<readonly string[]> {
  const text = await readFile(path.resolve(import.meta.dirname, '../../docs/operations.md'), 'utf8');
  const [, found = ''] = text.split(`\n## ${section}\n`);
  const [own = ''] = found.split('\n## ');
  return [...own.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, commands = '']) => commands);
}

/** Tests manual work by operators, with the commands of docs/operations.md and the policy that `central` creates for them. */
export function testOperator(demo: () => RunningDemo): void {
  describe("an operator's commands", () => {
    let user: CommandLineUser;
    let proxy: AwsProxy;
    let judge: PermissionJudge;
    let roleId = '';

    beforeAll(async () => {
      const { aws } = demo().lab;
      proxy = await startAwsProxy({ upstream: () => aws.endpoint });
      judge = new PermissionJudge({ upstream: () => aws.endpoint });
      proxy.intercept(judge.intercept);
      const place = { account: security, region: homeRegion, endpoint: proxy.endpoint };
      const started = await startPolicyUser(demo().lab, place, 'operator');
      ({ user, roleId } = started);
      return async () => {
        await proxy.stop();
        await started[Symbol.asyncDispose]();
      };
    });

    const poll = async (group: string) => {
      const { tenant, deployment } = demo().lab;
      const place = { account_id: production, region_name: labelOfRegion(homeRegion) };
      tenant.setFindings([itemOf(SSH, { ...place, resource_id: group })]);
      const { outcomes } = await deployment({ account: security, homeRegion }).poll(SSH, new Date());
      return outcomes.find(({ finding }) => finding.resource === group);
    };

    test('hold a resource, and release it', async () => {
      const group = await demo().lab.violate(SSH, { account: production, region: homeRegion });
      const [hold = '', lift = ''] = (await commandsOf('Hold')).map((command) =>
        command.replaceAll('sg-0123456789abcdef0', group),
      );

      await user.succeed(hold);
      const held = await poll(group);
      await user.succeed(lift);
      const lifted = await poll(group);

      const who = held?.reason?.match(/ by (\S+)/)?.[1];
      expect(who).toContain(`:assumed-role/operator/`);
      expect(held).toMatchObject({
        outcome: 'deferred',
        applied: [],
        reason: `${group} is held for all rules by ${who} until 2027-06-30: incident 4711; to release it earlier: cspm-remediation release ${group} --account ${production} --region ${homeRegion}`,
      });
      expect(lifted).toMatchObject({ outcome: 'remediated' });
      expect(judge.denials).toEqual([]);
    });

    test('resume a rule', async () => {
      const [resume = ''] = await commandsOf('Resume a rule');

      const answer = await user.succeed(resume);

      expect(answer).toContain(production);
      expect(judge.denials).toEqual([]);
    });

    test.each<[string, string, boolean]>([
      ['PutItem', `hold#${production}#*#*`, true],
      ['DeleteItem', `hold#${production}#*#*`, true],
      ['PutItem', `retry#${production}#*#*`, true],
      ['PutItem', `resume#${SSH}#${production}`, true],
      // The key of a request names its writer.
      ['PutItem', 'request#{me}:ada#1', true],
      ['PutItem', 'request#{me}:eve#1', false],
      ['PutItem', 'request#AROASOMEONE:ada#1', false],
      ['PutItem', `pending#${production}#${homeRegion}`, true],
      ['PutItem', `result#${production}#${homeRegion}#{me}:ada#1`, false],
      ['PutItem', `trip#${SSH}#${production}`, false],
      ['PutItem', `count#${SSH}#all`, false],
      ['PutItem', `finding#${production}#${homeRegion}#sg-1`, false],
      ['DeleteItem', `finding#${production}#${homeRegion}#sg-1`, false],
      ['PutItem', `lease#${homeRegion}#1`, false],
      ['PutItem', `account#${production}`, false],
      ['PutItem', `poll#${SSH}`, false],
      ['UpdateItem', `hold#${production}#*#*`, false],
      ['Scan', `hold#${production}#*#*`, false],
      ['GetItem', `finding#${production}#${homeRegion}#sg-1`, true],
    ])('the policy for items of the functions: %s of %s: %s', async (action, name, expected) => {
      const key = name.replace('{me}', roleId);
      const session = {
        account: security,
        roleArn: role,
        sessionName: 'ada',
        arn: `${role.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}/ada`,
      };
      const of = (keys: readonly string[] | undefined) =>
        judge.judge(session, {
          action: `dynamodb:${action}`,
          resource: table,
          account: security,
          conditions: keys === undefined ? {} : { 'dynamodb:LeadingKeys': keys },
        });

      expect(await of([key])).toMatchObject({ allowed: expected });
      if (action.startsWith('Get')) return;
      // Neither by a request without keys, nor by one with another key beside it.
      expect(await of(undefined)).toMatchObject({ allowed: false });
      if (!expected) expect(await of(['hold#222222222222#*#*', key])).toMatchObject({ allowed: false });
    });

    test('calls of their own with a foreign key, or with none, are refused and leave nothing behind', async () => {
      const settings = demo().lab.settings(security, homeRegion);
      const root = new DynamoDBClient(settings);
      const dynamodb = new DynamoDBClient({
        region: homeRegion,
        endpoint: proxy.endpoint,
        credentials: user.credentials,
      });
      const TableName = `${NAME}-findings`;
      const keyOf = (pk: string) => ({ pk: { S: pk }, sk: { S: 'tried' } });
      const own = [
        `hold#${production}#*#tried`,
        `retry#${production}#*#tried`,
        `resume#${SSH}#${production}`,
        `pending#${production}#${homeRegion}`,
        `request#${roleId}:function#tried`,
      ];
      const foreign = [
        `request#${roleId}:someone-else#tried`,
        `result#${production}#${homeRegion}#${roleId}:function#tried`,
        `trip#${SSH}#${production}`,
        `count#${SSH}#all`,
        `finding#${production}#${homeRegion}#sg-tried`,
        `lease#${homeRegion}#tried`,
        `done#${SSH}#${production}#${homeRegion}`,
        `sent#${SSH}#${production}#${homeRegion}`,
        `account#${production}`,
        `poll#${SSH}`,
      ];
      const untouched = `hold#${production}#*#untouched`;
      const put = (pk: string) => ({ Put: { TableName, Item: keyOf(pk) } });
      const transact = (...TransactItems: TransactWriteItem[]) =>
        dynamodb.send(new TransactWriteItemsCommand({ TransactItems }));
      const batch = (...requests: WriteRequest[]) =>
        dynamodb.send(new BatchWriteItemCommand({ RequestItems: { [TableName]: requests } }));
      await transact(...own.map(put));

      const refused = await Promise.allSettled([
        ...foreign.flatMap((pk) => [
          dynamodb.send(new PutItemCommand(put(pk).Put)),
          dynamodb.send(new DeleteItemCommand({ TableName, Key: keyOf(pk) })),
          // The foreign key last, first, and only in a condition check.
          transact(put(untouched), put(pk)),
          transact({ Delete: { TableName, Key: keyOf(pk) } }, put(untouched)),
          transact(put(untouched), {
            ConditionCheck: { TableName, Key: keyOf(pk), ConditionExpression: 'attribute_not_exists(pk)' },
          }),
          batch({ PutRequest: { Item: keyOf(untouched) } }, { PutRequest: { Item: keyOf(pk) } }),
          batch({ DeleteRequest: { Key: keyOf(pk) } }),
        ]),
        // Their own keys with calls that they may not make, and calls without keys.
        batch({ PutRequest: { Item: keyOf(untouched) } }),
        dynamodb.send(
          new UpdateItemCommand({
            TableName,
            Key: keyOf(untouched),
            UpdateExpression: 'SET #a = :a',
            ExpressionAttributeNames: { '#a': 'a' },
            ExpressionAttributeValues: { ':a': { S: 'a' } },
          }),
        ),
        dynamodb.send(new ScanCommand({ TableName })),
      ]);
      judge.clear();

      expect(refused).toMatchObject(
        refused.map(() => ({ status: 'rejected', reason: { name: 'AccessDeniedException' } })),
      );
      const Keys = [...own, ...foreign, untouched].map(keyOf);
      const { Responses } = await root.send(
        new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys } } }),
      );
      expect(Responses?.[TableName]?.map(({ pk }) => pk?.S).sort()).toEqual([...own].sort());
      await transact(...own.map((pk) => ({ Delete: { TableName, Key: keyOf(pk) } })));
    });
  });
}
