import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import { z } from 'zod';
import { FindingsTable } from '../../lambdas/aws/findings-table.ts';
import { JobQueue } from '../../lambdas/aws/job-queue.ts';
import { type HandedIn, submitRequests } from '../../lambdas/aws/submit-requests.ts';
import { systemClock } from '../../lambdas/model/clock.ts';
import {
  type RequestItem,
  type RequestResult,
  requestResultSchema,
  resultKey,
} from '../../lambdas/model/requests.ts';
import type { Context } from '../context.ts';
import type { Opened } from '../deployed/index.ts';
import { byPlace } from './requests.ts';

const KEPT_DAYS = 90;
const PLACES_AT_ONCE = 8;
const FIRST_WAIT = 500;
const LONGEST_WAIT = 5_000;

const resultSchema = requestResultSchema.extend({ pk: z.string() });

/** The time, in epoch seconds, after which a request can be deleted. */
export function requestExpiry(now: Date): number {
  return Math.floor(now.getTime() / 1000) + KEPT_DAYS * 86_400;
}

/** A request with the result of its submission, and the result of its processing. */
export interface Submitted<R extends RequestItem> extends HandedIn<R> {
  /** Undefined if no remediator is known to have begun. */
  readonly result: RequestResult | undefined;
}

/**
 * Submits requests. Those of an account and region are submitted one after another, because they share a list. The result of
 * each request contains its error, if any.
 * @param principal the caller's `aws:userid`
 * @returns the requests in their order
 */
export async function submitAll<R extends RequestItem>(
  { clients }: Context,
  { deployment }: Opened,
  requests: readonly R[],
  principal: string,
): Promise<Submitted<R>[]> {
  const { name, home_region, findings_table } = deployment;
  const { clientOptions } = clients;
  const clock = systemClock;
  const table = new FindingsTable({ table: findings_table, region: home_region, clientOptions });
  const queues = new Map<string, JobQueue>();
  const queueOf = (region: string): JobQueue => {
    const queue = queues.get(region) ?? new JobQueue({ name, region, clock, clientOptions });
    queues.set(region, queue);
    return queue;
  };
  const handedIn = await pLimit(PLACES_AT_ONCE).map(byPlace(requests), (ofPlace) =>
    submitRequests(ofPlace, principal, { table, clock, queue: queueOf(ofPlace[0].region) }),
  );
  const byRequest = new Map(handedIn.flat().map((each) => [each.request, each]));
  return requests.flatMap((request) => {
    const each = byRequest.get(request);
    return each === undefined ? [] : { ...each, result: undefined };
  });
}

/** Reports whether a remediator has completed a request, or refused it. */
export function isComplete(
  result: RequestResult | undefined,
): result is RequestResult & { readonly state: 'done' | 'refused' } {
  return result?.state === 'done' || result?.state === 'refused';
}

/** Requests after the wait for their results. */
export interface Awaited<R extends RequestItem> {
  readonly requests: readonly Submitted<R>[];
  /** The error that ended the reading of results. */
  readonly error?: unknown;
}

/**
 * Waits until the requests whose message was sent are complete.
 * @param until the end of the wait, in milliseconds since 1970
 * @param say called with the number of completed requests
 */
export async function awaitAll<R extends RequestItem>(
  { table }: Opened,
  submitted: readonly Submitted<R>[],
  { until, say }: { readonly until: number; readonly say: (over: number, of: number) => void },
): Promise<Awaited<R>> {
  let requests = submitted;
  for (let wait = FIRST_WAIT; ; wait = Math.min(wait * 1.5, LONGEST_WAIT)) {
    try {
      const results = await table.read(
        resultSchema,
        submitted.map(({ request, name }) => resultKey(request, name)),
      );
      requests = submitted.map((each) => ({
        ...each,
        result: results.find(({ pk }) => pk === resultKey(each.request, each.name).pk),
      }));
    } catch (error) {
      return { requests, error };
    }
    const woken = requests.filter(({ is }) => is === 'submitted' || is === 'not listed');
    const over = woken.filter(({ result }) => isComplete(result)).length;
    say(over, woken.length);
    if (over === woken.length || Date.now() + wait > until) return { requests };
    await delay(wait);
  }
}
