import type { AwsAnswer } from './answer.ts';
import type { AwsCall } from './call.ts';
import type { Fault } from './faults.ts';

/** Duration for which matching reads return an older state. */
export type HowLong = { readonly times: number } | { readonly milliseconds: number };

/** Reads that may return what they returned before, as AWS's eventually consistent reads do. */
export interface LaggingReads {
  /** The fault to inject into a proxy: it records what matching reads return, and changes nothing until `lag` is called. */
  readonly fault: Fault;
  /** Number of reads with an older answer. */
  readonly hits: number;
  /**
   * Makes reads lag from now on: a matching read that was made before (same account, region and parameters) returns what it
   * returned then. Others pass.
   * @param which of its recorded answers. Default: the last one before `lag` was called
   */
  lag(howLong: HowLong, which?: 'first' | 'last'): void;
  /** Returns the current state again. */
  catchUp(): void;
}

/** Two reads with the same key request the same thing. */
function keyOf({ service, operation, region, principal, method, path, parameters }: AwsCall): string {
  return JSON.stringify([service, operation, region, principal.account, method, path, parameters]);
}

/** @param which the reads that may lag */
export function laggingReads(
  which: Pick<Fault, 'service' | 'operation' | 'account' | 'region' | 'text'>,
): LaggingReads {
  const remembered = new Map<string, AwsAnswer[]>();
  let past = new Map<string, AwsAnswer>();
  let hits = 0;
  let isOver: () => boolean = () => true;
  const rewrite = (answer: AwsAnswer, call: AwsCall): AwsAnswer => {
    const key = keyOf(call);
    const old = isOver() ? undefined : past.get(key);
    if (old !== undefined) {
      hits += 1;
      return old;
    }
    if (answer.status === 200) remembered.set(key, [...(remembered.get(key) ?? []), answer]);
    return answer;
  };
  return {
    fault: { ...which, isWrite: false, effect: { rewrite } },
    get hits() {
      return hits;
    },
    lag(howLong, answers = 'last') {
      past = new Map(
        [...remembered].flatMap(([key, all]): [string, AwsAnswer][] => {
          const answer = all.at(answers === 'first' ? 0 : -1);
          return answer === undefined ? [] : [[key, answer]];
        }),
      );
      const before = hits;
      const end = 'milliseconds' in howLong ? Date.now() + howLong.milliseconds : undefined;
      isOver = () => ('times' in howLong ? hits - before >= howLong.times : Date.now() >= (end ?? 0));
    },
    catchUp() {
      isOver = () => true;
    },
  };
}
