import type { AwsCall } from '../../lab/aws-proxy/index.ts';

/**
 * The service and operation of a call, with the kind of object or item for the product's own stores: `ec2:DescribeVpcs`,
 * `s3:PutObject jobs/`. Keys of one kind differ from case to case, the kind does not.
 */
export type CallKind = string;

/** A kind of call and its number among those of its kind, from 1: `s3:PutObject jobs/ #2`. */
export interface CallName {
  readonly kind: CallKind;
  readonly number: number;
}

type NamedCall = Pick<AwsCall, 'service' | 'operation' | 'parameters'>;

export function kindOf({ service, operation, parameters }: NamedCall): CallKind {
  return [`${service}:${operation}`, ...placesOf(service, parameters)].join(' ');
}

/** The names of calls, in order. */
export function namesOf(calls: readonly NamedCall[]): CallName[] {
  const counts = new Map<CallKind, number>();
  return calls.map((call) => {
    const kind = kindOf(call);
    const number = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, number);
    return { kind, number };
  });
}

export function textOf({ kind, number }: CallName): string {
  return `${kind} #${number}`;
}

/** The folder of an object's key, or the kinds of items: the first part of their keys, before `/` or `#`. */
function placesOf(service: string, parameters: Readonly<Record<string, unknown>>): string[] {
  const { Key: key } = parameters;
  if (service === 's3' && typeof key === 'string') return [key.replace(/\/.*$/s, '/')];
  if (service !== 'dynamodb') return [];
  const keys = JSON.stringify(parameters).matchAll(/\{"S":"([a-z]+)#/g);
  return [...new Set([...keys].map(([, place = '']) => `${place}#`))].sort();
}
