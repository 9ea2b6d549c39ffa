import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import { z } from 'zod';
import { FindingsTable } from '../../lambdas/aws/findings-table.ts';
import { JobQueue } from '../../lambdas/aws/job-queue.ts';
import { submitRequest } from '../../lambdas/aws/submit-request.ts';
import { systemClock } from '../../lambdas/model/clock.ts';
import {
  type RequestItem,
  type RequestName,
  type RequestResult,
  requestResultSchema,
  resultKey,
} from '../../lambdas/model/requests.ts';
import type { Context } from '../context.ts';
import type { Opened } from '../deployed/index.ts';

const KEPT_DAYS = 90;
const REQUESTS_AT_ONCE = 8;
const FIRST_WAIT = 500;
const LONGEST_WAIT = 5_000;

const resultSchema = requestResultSchema.extend({ pk: z.string() });

/** The day, in epoch seconds, after which a request may be forgotten. */
export function requestExpiry(now: Date): number {
  return Math.floor(now.getTime() / 1000) + KEPT_DAYS * 86_400;
}

/** A submitted request and its result. */
export interface Submitted<R extends RequestItem> {
  readonly request: R;
  readonly name: RequestName;
  /** Undefined if it has not begun. */
  readonly result: RequestResult | undefined;
}

/** Hands in requests. @param principal the caller's `aws:userid` */
export async function submitAll<R extends RequestItem>(
  { clients }: Context,
  { deployment }: Opened,
  requests: readonly R[],
  principal: string,
): Promise<Submitted<R>[]> {
  const { name, home_region, findings_table: table } = deployment;
  const { clientOptions } = clients;
  const desk = {
    clock: systemClock,
    table: new FindingsTable({ table, region: home_region, clientOptions }),
  };
  const queues = new Map<string, JobQueue>();
  const queueOf = (region: string): JobQueue => {
    const queue = queues.get(region) ?? new JobQueue({ name, region, clock: systemClock, clientOptions });
    queues.set(region, queue);
    return queue;
  };
  return pLimit(REQUESTS_AT_ONCE).map(requests, async (request) => ({
    request,
    name: await submitRequest(request, principal, { ...desk, queue: queueOf(request.region) }),
    result: undefined,
  }));
}

/**
 * Waits until requests are complete.
 * @param until the end of the wait, in milliseconds since 1970
 * @param say told how many are over
 */
export async function awaitAll<R extends RequestItem>(
  { table }: Opened,
  submitted: readonly Submitted<R>[],
  { until, say }: { readonly until: number; readonly say: (over: number, of: number) => void },
): Promise<Submitted<R>[]> {
  for (let wait = FIRST_WAIT; ; wait = Math.min(wait * 1.5, LONGEST_WAIT)) {
    const results = await table.read(
      resultSchema,
      submitted.map(({ request, name }) => resultKey(request, name)),
    );
    const now = submitted.map((each) => ({
      ...each,
      result: results.find(({ pk }) => pk === resultKey(each.request, each.name).pk),
    }));
    const over = now.filter(({ result }) => result?.state === 'done' || result?.state === 'refused').length;
    say(over, now.length);
    if (over === now.length || Date.now() + wait > until) return now;
    await delay(wait);
  }
}
