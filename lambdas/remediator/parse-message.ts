import type { SQSRecord } from 'aws-lambda';
import { z } from 'zod';
import { InvalidInputError } from '../model/errors.ts';
import { formatIssues } from '../model/issues.ts';
import type { Job } from '../model/job.ts';
import { type RequestMessage, requestMessageSchema } from '../model/requests.ts';
import type { Environment } from './environment.ts';
import { parseJob } from './parse-job.ts';

/** Schema that distinguishes messages that name a request from jobs, which have no `kind`. */
const kindSchema = z.looseObject({ kind: z.unknown().refine((kind) => kind !== undefined) });

/**
 * Parses the job in a message, or the request that it names.
 * @throws InvalidInputError if it contains neither for this remediator, so that another attempt would also fail
 */
export function parseMessage(
  { body, attributes }: Pick<SQSRecord, 'attributes' | 'body'>,
  { AWS_REGION: region, COLLECTOR_ROLE_ID }: Pick<Environment, 'AWS_REGION' | 'COLLECTOR_ROLE_ID'>,
): Job | RequestMessage {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch (cause) {
    throw new InvalidInputError('the message is not JSON', { cause });
  }
  const content = kindSchema.safeParse(json).success
    ? parseRequestMessage(json, attributes, { region, collector: COLLECTOR_ROLE_ID })
    : parseJob(json, region);
  return ofItsGroup(content, attributes);
}

/**
 * Refuses content in the message group of another account, because it would be processed in parallel with the jobs of
 * its account.
 */
function ofItsGroup<T extends Job | RequestMessage>(
  content: T,
  { MessageGroupId: group }: SQSRecord['attributes'],
): T {
  // The queue for delayed messages has no groups. Its messages are forwarded to the group of their account.
  if (group === undefined || group === content.account) return content;
  throw new InvalidInputError(
    `the message is for account ${content.account}, but has message group ${group}: the message group must be the account id`,
  );
}

function parseRequestMessage(
  json: unknown,
  attributes: SQSRecord['attributes'],
  { region, collector }: { readonly region: string; readonly collector: string | undefined },
): RequestMessage {
  const parsed = requestMessageSchema.safeParse(json);
  if (!parsed.success) {
    throw new InvalidInputError(`the message is not a valid request: ${formatIssues(parsed.error)}`, {
      cause: parsed.error,
    });
  }
  const message = parsed.data;
  // `SenderId`, which SQS sets, is the role's unique id, a colon, and the session's name.
  if (attributes.SenderId.split(':')[0] === collector) {
    throw new InvalidInputError(
      `the message names request ${message.request.id}, but the collector sent it: only operators may send requests`,
    );
  }
  if (message.region === region) return message;
  throw new InvalidInputError(
    `the request is for region ${message.region}, but this is the remediator of ${region}`,
  );
}
