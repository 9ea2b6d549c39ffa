import { beforeEach, describe, expect, test } from 'vitest';
import type { Item, ItemWrite, Put } from '../../../lambdas/aws/findings-table.ts';
import { submitRequest } from '../../../lambdas/aws/submit-request.ts';
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
/** Number of times that somebody else writes first. */
let others = 0;

const desk = {
  clock: { now: () => NOW, sleep: async () => {} },
  queue: {
    forward: async (content: unknown) => {
      sent.push(content);
    },
  },
  table: {
    read: async (keys: readonly { pk: string }[]) => keys.flatMap(({ pk }) => items.get(pk) ?? []),
    putIf: async ({ item }: Required<ItemWrite>): Promise<Put> => {
      if (item.pk.startsWith('pending#') && others > 0) {
        others -= 1;
        return { isWritten: false, found: undefined };
      }
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
});

describe('handing in a request', () => {
  test('writes it below its author, lists it, and sends its name alone', async () => {
    const name = await submitRequest(request, PRINCIPAL, desk);

    expect(items.get(requestKey(name).pk)).toMatchObject(request);
    expect(pending()).toEqual([{ ...name, at: request.at }]);
    expect(sent).toEqual([
      { version: 1, kind: 'check', request: name, account: request.account, region: request.region },
    ] satisfies RequestMessage[]);
  });

  test('keeps what others have listed, and not what is over', async () => {
    const first = await submitRequest(request, PRINCIPAL, desk);
    const old = { ...first, id: '11111111-1111-4111-8111-111111111111', at: '2026-06-30T10:59:00Z' };
    const list = pendingItemSchema.parse(items.get(pendingKey(request).pk));
    items.set(pendingKey(request).pk, { ...list, ...pendingKey(request), requests: [old, ...list.requests] });

    const second = await submitRequest(request, 'AROAOPERATOR:bob', desk);

    expect(pending().map(({ id }) => id)).toEqual([first.id, second.id]);
  });

  test('lists it again where someone else was first', async () => {
    others = 2;

    const name = await submitRequest(request, PRINCIPAL, desk);

    expect(pending().map(({ id }) => id)).toEqual([name.id]);
  });

  test('says so where others are always first, and sends nothing', async () => {
    others = 100;

    await expect(submitRequest(request, PRINCIPAL, desk)).rejects.toBeInstanceOf(DeliveryError);
    expect(sent).toEqual([]);
  });
});
