import { randomUUID } from 'node:crypto';
import { escapeXml } from '../aws-proxy/error-answers.ts';
import type { AwsAnswer, AwsCall } from '../aws-proxy/index.ts';

/** The content of a form: texts, objects of these, and lists. An empty list is an empty text. */
export type FormValue = string | FormValue[] | { [name: string]: FormValue };

/** The content of an answer. Undefined values are left out. */
export type AnswerValue =
  | string
  | number
  | boolean
  | Date
  | undefined
  | readonly AnswerValue[]
  | { readonly [name: string]: AnswerValue };

/**
 * The request in a form, which is flat: `Tags.member.1.Key=team` is `{ Tags: [{ Key: 'team' }] }`.
 * https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
 */
export function readForm(parameters: AwsCall['parameters']): FormValue {
  return nested(
    Object.entries(parameters).map(([name, value]): [string[], string] => [name.split('.'), String(value)]),
  );
}

function nested(entries: readonly (readonly [path: readonly string[], value: string])[]): FormValue {
  const groups = new Map<string, [string[], string][]>();
  for (const [[name, ...rest], value] of entries) {
    if (name === undefined) return value;
    groups.set(name, [...(groups.get(name) ?? []), [rest, value]]);
  }
  const members = groups.get('member');
  if (members === undefined) {
    return Object.fromEntries([...groups].map(([name, group]) => [name, nested(group)]));
  }
  const items = nested(members);
  if (typeof items === 'string' || Array.isArray(items)) return items;
  return Object.entries(items)
    .sort(([one], [other]) => Number(one) - Number(other))
    .map(([, item]) => item);
}

/** The answer to a call of the query protocol. */
export function queryAnswer(
  { operation }: AwsCall,
  result: { readonly [name: string]: AnswerValue },
): AwsAnswer {
  const requestId = randomUUID();
  const body = xml({
    [`${operation}Result`]: result,
    ResponseMetadata: { RequestId: requestId },
  });
  return {
    status: 200,
    headers: { 'content-type': 'text/xml', 'x-amzn-requestid': requestId },
    body: Buffer.from(
      `<${operation}Response xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">${body}</${operation}Response>`,
    ),
  };
}

function xml(value: AnswerValue): string {
  if (value === undefined) return '';
  if (value instanceof Date) return value.toISOString();
  if (typeof value !== 'object') return escapeXml(String(value));
  if (isList(value)) return value.map((item) => `<member>${xml(item)}</member>`).join('');
  return Object.entries(value)
    .map(([name, item]) => (item === undefined ? '' : `<${name}>${xml(item)}</${name}>`))
    .join('');
}

/** `Array.isArray` does not narrow to readonly lists. */
function isList(value: AnswerValue): value is readonly AnswerValue[] {
  return Array.isArray(value);
}
