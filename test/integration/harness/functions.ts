import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { vi } from 'vitest';
import { z } from 'zod';
import type { Clock } from '../../../lambdas/model/clock.ts';
import { lambdaContext } from './lambda-context.ts';

/** The result of an invocation. */
export interface Invocation<T> {
  readonly result?: T;
  readonly thrown?: unknown;
  readonly lines: readonly LogLine[];
}

const lineSchema = z.looseObject({ level: z.string().optional(), message: z.string().optional() });
/** A log line, or a metric (with `_aws`). */
export type LogLine = z.infer<typeof lineSchema>;

/** A function in a warm execution environment: what the first invocation created is there in the next. */
export interface WarmFunction<Event, Result> {
  invoke(event: Event, options?: { readonly remainingMilliseconds?: number }): Promise<Invocation<Result>>;
}

export type CollectorFunction = WarmFunction<unknown, object>;
export type RemediatorFunction = WarmFunction<SQSEvent, SQSBatchResponse>;

/**
 * The clock of a function while it works: it runs, or stands still except for the function's own waits. Where calls are
 * counted, what the function does must not depend on how busy the machine is.
 */
export type TimeOfFunctions = 'goes on' | 'stands still';

/** Time by which the functions' clocks are ahead of real time, because of waits that were skipped. */
let ahead = 0;

/** Lets time pass for all functions. */
export function passTime(milliseconds: number): void {
  ahead += milliseconds;
}

/** Real time without real waits: a sleep puts the clock ahead instead. */
const jumpingClock: Clock = {
  now: () => Date.now() + ahead,
  sleep: async (milliseconds) => {
    passTime(milliseconds);
    await nextTurn();
  },
};

/**
 * Starts the collector's code in this process with an empty memory, as a new instance of the function. Its waits take no
 * time; everything else is as deployed.
 */
export function startCollector(
  environment: Readonly<Record<string, string>>,
  time: TimeOfFunctions = 'goes on',
): CollectorFunction {
  return startFunction(
    environment,
    time,
    async () => (await import('../../../lambdas/collector/index.ts')).handler,
  );
}

/** The same for a region's remediator. */
export function startRemediator(
  environment: Readonly<Record<string, string>>,
  time: TimeOfFunctions = 'goes on',
): RemediatorFunction {
  return startFunction(
    environment,
    time,
    async () => (await import('../../../lambdas/remediator/index.ts')).handler,
  );
}

function startFunction<Event, Result>(
  environment: Readonly<Record<string, string>>,
  time: TimeOfFunctions,
  load: () => Promise<(event: Event, context: Context) => Promise<Result>>,
): WarmFunction<Event, Result> {
  let handler: ((event: Event, context: Context) => Promise<Result>) | undefined;
  return {
    async invoke(event, options = {}) {
      Object.assign(process.env, environment);
      if (handler === undefined) {
        vi.resetModules();
        vi.doMock('../../../lambdas/model/clock.ts', async (importOriginal) => ({
          ...(await importOriginal<typeof import('../../../lambdas/model/clock.ts')>()),
          systemClock: jumpingClock,
        }));
        handler = await load();
      }
      const written: string[] = [];
      const spies = [process.stdout, process.stderr].map((stream) =>
        vi.spyOn(stream, 'write').mockImplementation((chunk) => {
          written.push(String(chunk));
          return true;
        }),
      );
      if (time === 'stands still') vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
      let came: { result: Result } | { thrown: unknown };
      try {
        came = { result: await handler(event, lambdaContext(options.remainingMilliseconds)) };
      } catch (thrown) {
        came = { thrown };
      } finally {
        if (time === 'stands still') vi.useRealTimers();
        for (const spy of spies) spy.mockRestore();
      }
      return { ...came, lines: readLines(written.join('')) };
    },
  };
}

/** The log lines and metrics in a function's output. */
export function readLines(text: string): LogLine[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => lineSchema.parse(JSON.parse(line)));
}
