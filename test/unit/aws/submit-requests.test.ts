import { beforeEach, describe, expect, test } from 'vitest';
import type { Item, ItemWrite, Put } from '../../../lambdas/aws/findings-table.ts';
import { type HandedIn, submitRequests } from '../../../lambdas/aws/submit-requests.ts';
import { DeliveryError } from '../../../lambdas/model/errors.ts';
import {
  type PendingItem,
  pendingItemSchema,
  pendingKey,
  type RequestItem,
  type RequestMessage,
  requestKey,
} from '../../../lambdas/model/requests.ts';

const NOW = Date.parse('2026-06-30T12:00:00Z');
const PRINCIPAL = 'AROAOPERATOR:ada';
const request: RequestItem = {
  version: 1,
  kind: 'check',
  account: '111122223333',
  region: 'eu-central-1',
  at: new Date(NOW).toISOString(),
  by: 'ada@example.com',
  reason: 'a new account',
  expiresAt: NOW / 1000 + 86_400,
};

const items = new Map<string, Item>();
const sent: unknown[] = [];
/** Number of times that another writer is faster. */
let others = 0;

let failing: Readonly<Record<string, Error>> = {};
const failAt = (place: string): void => {
  const error = failing[place];
  if (error !== undefined) throw error;
};

const desk = {
  clock: { now: () => NOW, sleep: async () => {} },
  queue: {
    forward: async (content: unknown) => {
      failAt('queue');
      sent.push(content);
    },
  },
  table: {
    read: async (keys: readonly { pk: string }[]) => {
      failAt('read');
      return keys.flatMap(({ pk }) => items.get(pk) ?? []);
    },
    putIf: async ({ item, condition }: Required<ItemWrite>): Promise<Put> => {
      const [table = ''] = item.pk.split('#');
      failAt(table);
      if (table === 'pending' && others > 0) {
        others -= 1;
        return { isWritten: false, found: undefined };
      }
      const writer = items.get(item.pk)?.['writer'];
      const allowed: unknown[] = Object.values(condition.values);
      if (writer !== undefined && !allowed.includes(writer)) return { isWritten: false, found: undefined };
      items.set(item.pk, item);
      return { isWritten: true };
    },
  },
};

const pending = (): PendingItem['requests'] =>
  pendingItemSchema.parse(items.get(pendingKey(request).pk)).requests;

beforeEach(() => {
  items.clear();
  sent.length = 0;
  others = 0;
  failing = {};
});

/** Submits one request. */
async function submit(principal = PRINCIPAL): Promise<HandedIn> {
  const [handedIn] = await submitRequests([request], principal, desk);
  if (handedIn === undefined) throw new Error('expected a result');
  return handedIn;
}

describe('submitting a request', () => {
  test('writes it under its author, lists it, and sends only its name', async () => {
    const { name } = await submit();

    expect(items.get(requestKey(name).pk)).toMatchObject(request);
    expect(pending()).toEqual([{ ...name, at: request.at }]);
    expect(sent).toEqual([
      { version: 1, kind: 'check', request: name, account: request.account, region: request.region },
    ] satisfies RequestMessage[]);
  });

  test('keeps other listed requests, except expired ones', async () => {
    const { name: first } = await submit();
    const old = { ...first, id: '11111111-1111-4111-8111-111111111111', at: '2026-06-30T10:59:00Z' };
    const list = pendingItemSchema.parse(items.get(pendingKey(request).pk));
    items.set(pendingKey(request).pk, { ...list, ...pendingKey(request), requests: [old, ...list.requests] });

    const { name: second } = await submit('AROAOPERATOR:bob');

    expect(pending().map(({ id }) => id)).toEqual([first.id, second.id]);
  });

  test('lists it again if another writer was faster', async () => {
    others = 2;

    const { name } = await submit();

    expect(pending().map(({ id }) => id)).toEqual([name.id]);
  });

  test('reports that it is not listed if others are always faster, and sends the message anyway', async () => {
    others = 100;

    const handedIn = await submit();

    expect(handedIn).toMatchObject({ is: 'not listed', error: expect.any(DeliveryError) });
    expect(sent).toHaveLength(1);
  });

  test('lists 40 for one account in order, together with those of another writer', async () => {
    const forty = Array.from({ length: 40 }, () => request);

    const [ours, theirs] = await Promise.all([
      submitRequests(forty, PRINCIPAL, desk),
      submitRequests(forty, 'AROAOPERATOR:bob', desk),
    ]);

    for (const handedIn of [ours, theirs]) {
      expect(handedIn.map(({ is }) => is)).toEqual(forty.map(() => 'submitted'));
      const [first] = handedIn;
      expect(
        pending()
          .filter(({ principal }) => principal === first?.name.principal)
          .map(({ id }) => id),
      ).toEqual(handedIn.map(({ name }) => name.id));
    }
    expect(sent).toHaveLength(80);
  });

  test('lists the first of them if there are too many', async () => {
    const many = Array.from({ length: 210 }, () => request);

    const handedIn = await submitRequests(many, PRINCIPAL, desk);

    expect(pending().map(({ id }) => id)).toEqual(handedIn.slice(0, 200).map(({ name }) => name.id));
    expect(sent).toHaveLength(210);
  });

  test.each<[string, HandedIn['is'], number]>([
    ['request', 'not submitted', 0],
    ['pending', 'not listed', 1],
    ['queue', 'not woken', 0],
  ])('returns an error of the %s as part of the result: %s', async (at, is, messages) => {
    const error = new Error('no');
    failing = { [at]: error };

    const handedIn = await submit();

    expect(handedIn).toMatchObject({ is, error });
    expect(sent).toHaveLength(messages);
    expect(items.has(pendingKey(request).pk)).toBe(at === 'queue');
  });

  const denied = Object.assign(new Error('no'), { name: 'AccessDenied', $fault: 'client', $metadata: {} });
  const reset = Object.assign(new Error('reset'), { code: 'ECONNRESET' });

  test.each<[string, Readonly<Record<string, Error>>, HandedIn['is']]>([
    ['a lost answer to the list', { pending: reset }, 'perhaps submitted'],
    ['a refused list', { pending: denied }, 'not submitted'],
    ['a failed read of the list', { read: reset }, 'not submitted'],
  ])('without a message, and with %s (%s), it is %s', async (_, places, is) => {
    failing = { ...places, queue: denied };

    expect(await submit()).toMatchObject({ is, error: denied });
    expect(sent).toEqual([]);
  });
});
