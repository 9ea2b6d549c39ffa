import { z } from 'zod';
import { orWhen } from '../../aws/or-when.ts';
import type { AwsSession } from '../../aws/session.ts';
import type { ResourceModel } from './read.ts';

/**
 * Status of a Cloud Control request.
 * https://docs.aws.amazon.com/cloudcontrolapi/latest/APIReference/API_ProgressEvent.html
 */
const eventSchema = z.object({
  RequestToken: z.string(),
  OperationStatus: z.string(),
  ErrorCode: z.string().optional(),
  StatusMessage: z.string().optional(),
});

/** The state of a request. */
export interface RequestState {
  readonly token: string;
  readonly is: 'under_way' | 'done' | 'failed' | 'cancelled';
  /** The handler's error code if the request failed, such as `AccessDenied`; otherwise empty. */
  readonly code: string;
  /** AWS's status and reason. */
  readonly words: string;
}

const ends: Readonly<Record<string, RequestState['is']>> = {
  SUCCESS: 'done',
  FAILED: 'failed',
  CANCEL_COMPLETE: 'cancelled',
};

function stateOf(event: unknown): RequestState {
  const { RequestToken, OperationStatus, ErrorCode = '', StatusMessage } = eventSchema.parse(event);
  const why = [ErrorCode, StatusMessage].filter((text) => text !== undefined && text !== '').join(': ');
  return {
    token: RequestToken,
    is: ends[OperationStatus] ?? 'under_way',
    code: ErrorCode,
    words: `${OperationStatus}${why === '' ? '' : ` (${why})`}`,
  };
}

/** Sends an update. AWS answers before the update is complete. */
export async function sendUpdate(
  session: AwsSession,
  { type, identifier }: ResourceModel,
  patch: readonly unknown[],
  clientToken: string,
): Promise<RequestState> {
  const { CloudControlClient, UpdateResourceCommand } = await import('../../aws/cloudcontrol.ts');
  const { ProgressEvent } = await session.client(CloudControlClient).send(
    new UpdateResourceCommand({
      TypeName: type,
      Identifier: identifier,
      PatchDocument: JSON.stringify(patch),
      ClientToken: clientToken,
    }),
  );
  return stateOf(ProgressEvent);
}

/**
 * Reads the status of a request. Returns undefined if AWS no longer knows the request, which is the case after seven
 * days.
 */
export function requestState(session: AwsSession, token: string): Promise<RequestState | undefined> {
  return orWhen(['RequestTokenNotFound'], undefined, async () => {
    const { CloudControlClient, GetResourceRequestStatusCommand } = await import('../../aws/cloudcontrol.ts');
    const { ProgressEvent } = await session
      .client(CloudControlClient)
      .send(new GetResourceRequestStatusCommand({ RequestToken: token }));
    return stateOf(ProgressEvent);
  });
}

/** Cancels a request. Changes that its handler has already made remain. */
export async function cancelRequest(session: AwsSession, token: string): Promise<void> {
  const { CancelResourceRequestCommand, CloudControlClient } = await import('../../aws/cloudcontrol.ts');
  await session.client(CloudControlClient).send(new CancelResourceRequestCommand({ RequestToken: token }));
}
