import { STSClient } from '@aws-sdk/client-sts';
import { HttpRequest } from '@smithy/core/protocols';
import { z } from 'zod';
import type { AwsCall } from '../aws-proxy/index.ts';
import { SERVICE_CALL_TOKEN } from '../local-aws/index.ts';

/** An AWS service that calls on its own behalf, and the resource for which it does. */
export interface ServicePrincipal {
  /** `ssm.amazonaws.com` */
  readonly service: string;
  /** Value of `aws:SourceAccount`. */
  readonly sourceAccount: string;
  /** Value of `aws:SourceArn`. */
  readonly sourceArn: string;
}

/** Header with which the local AWS's own services identify the caller. AWS has no such header. */
const SERVICE_HEADER = 'x-localemu-data';
const TOKEN_HEADER = 'x-localemu-data-auth';

const serviceSchema = z.object({ service_principal: z.string(), source_arn: z.string() });

/** The service that makes a call, signed with its account's key; undefined for any other caller. */
export function servicePrincipalOf(call: Pick<AwsCall, 'headers'>): ServicePrincipal | undefined {
  const { [SERVICE_HEADER]: header } = call.headers;
  if (typeof header !== 'string') return undefined;
  const { service_principal: service, source_arn: sourceArn } = serviceSchema.parse(JSON.parse(header));
  return { service, sourceAccount: sourceArn.split(':')[4] ?? '', sourceArn };
}

/** A client whose calls are made by a service. */
export function stsAs(
  principal: ServicePrincipal,
  settings: { endpoint: string; region: string },
): STSClient {
  const client = new STSClient({
    ...settings,
    credentials: { accessKeyId: principal.sourceAccount, secretAccessKey: 'simulated' },
  });
  const headers = {
    [SERVICE_HEADER]: JSON.stringify({
      service_principal: principal.service,
      source_arn: principal.sourceArn,
    } satisfies z.infer<typeof serviceSchema>),
    [TOKEN_HEADER]: SERVICE_CALL_TOKEN,
  };
  client.middlewareStack.add(
    (next) => (args) => {
      if (HttpRequest.isInstance(args.request)) Object.assign(args.request.headers, headers);
      return next(args);
    },
    { step: 'build', name: 'sayServicePrincipal' },
  );
  return client;
}
