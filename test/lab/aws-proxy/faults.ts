import { type AwsAnswer, bodyText, withBody } from './answer.ts';
import type { AwsCall } from './call.ts';
import type { CommonError, ErrorDetails } from './error-answers.ts';

/** The effect of a fault on a call. */
export type Effect =
  /** The service's own code for it, in its own format. The call has no effect. */
  | CommonError
  /** The connection is cut: before the service receives the call, or after it has taken effect. */
  | 'cut-before'
  | 'cut-after'
  /** An error of AWS. With `afterEffect`, the call takes effect nevertheless. */
  | ({ readonly error: string; readonly afterEffect?: boolean } & ErrorDetails)
  | { readonly delayMilliseconds: number }
  /** An act of someone else before the service receives the call, which waits for it. The caller receives an error that it throws. */
  | { readonly before: (call: AwsCall) => Promise<void> }
  /** The service's answer, changed. */
  | { readonly rewrite: (answer: AwsAnswer, call: AwsCall) => AwsAnswer };

/** A fault: the conditions, all of which a call must meet, and the effect. */
export interface Fault {
  readonly service?: string;
  readonly operation?: string;
  /** The account of the principal that signed the call. */
  readonly account?: string;
  readonly region?: string;
  /** Text in the parameters or the path: `sg-0123`. */
  readonly text?: string;
  /** Kinds of calls: those that may change something, or only those that do not. */
  readonly isWrite?: boolean;
  readonly when?: (call: AwsCall) => boolean;
  /** Number of calls that pass first. Default: none. */
  readonly skip?: number;
  /** Default: until it is removed. */
  readonly times?: number;
  readonly effect: Effect;
}

export function meets(fault: Fault, call: AwsCall): boolean {
  return (
    (fault.service === undefined || fault.service === call.service) &&
    (fault.operation === undefined || fault.operation === call.operation) &&
    (fault.account === undefined || fault.account === call.principal.account) &&
    (fault.region === undefined || fault.region === call.region) &&
    (fault.isWrite === undefined || fault.isWrite === call.isWrite) &&
    (fault.text === undefined ||
      call.path.includes(fault.text) ||
      saysSomewhere(call.parameters, fault.text)) &&
    (fault.when === undefined || fault.when(call))
  );
}

function saysSomewhere(value: unknown, text: string): boolean {
  if (typeof value === 'string') return value.includes(text);
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).some((part) => saysSomewhere(part, text))
  );
}

/**
 * Makes a fault's `when`: true with this probability, the same for each run with the same seed and calls.
 * @param probability from 0 to 1
 */
export function seededChance(seed: number, probability: number): () => boolean {
  let state = seed >>> 0;
  return () => {
    // Mulberry32, by Tommy Ettinger: small, and uniform enough for this.
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32 < probability;
  };
}

const DAY_MILLISECONDS = 86_400_000;

/**
 * Access keys cannot be created with an old date, so this fault changes their age in the answers of `ListAccessKeys`.
 * @param ages days since creation, by access key id or by user name; the key's own age takes precedence
 */
export function agedAccessKeys(ages: Readonly<Record<string, number>>): Fault {
  // The same in every answer, like a real creation date.
  const now = Date.now();
  return {
    service: 'iam',
    operation: 'ListAccessKeys',
    effect: {
      rewrite: (answer) =>
        withBody(
          answer,
          bodyText(answer).replace(/<member>.*?<\/member>/gs, (member) => {
            const [, key = ''] = /<AccessKeyId>([^<]*)</.exec(member) ?? [];
            const [, user = ''] = /<UserName>([^<]*)</.exec(member) ?? [];
            const days = ages[key] ?? ages[user];
            if (days === undefined) return member;
            const created = new Date(now - days * DAY_MILLISECONDS).toISOString().replace(/\.\d+Z$/, 'Z');
            return member.replace(/<CreateDate>[^<]*</, `<CreateDate>${created}<`);
          }),
        ),
    },
  };
}
