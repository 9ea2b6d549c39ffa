import { STSClient } from '@aws-sdk/client-sts';
import { HttpRequest } from '@smithy/core/protocols';
import type { AwsCall } from '../aws-proxy/index.ts';

/** A service of AWS that calls for itself, and for which account's resource it does. */
export interface ServicePrincipal {
  /** `ssm.amazonaws.com` */
  readonly service: string;
  /** What `aws:SourceAccount` is. */
  readonly sourceAccount: string;
  /** What `aws:SourceArn` is. */
  readonly sourceArn: string;
}

/** No such header in AWS, where services sign by means of their own. */
const HEADERS = {
  service: 'x-simulated-service-principal',
  sourceAccount: 'x-simulated-source-account',
  sourceArn: 'x-simulated-source-arn',
} as const;

/** The service that makes a call which the simulation signs with its account's key; undefined for any other call. */
export function servicePrincipalOf(call: Pick<AwsCall, 'headers'>): ServicePrincipal | undefined {
  const {
    [HEADERS.service]: service,
    [HEADERS.sourceAccount]: sourceAccount,
    [HEADERS.sourceArn]: sourceArn,
  } = call.headers;
  if (typeof service !== 'string' || typeof sourceAccount !== 'string' || typeof sourceArn !== 'string') {
    return undefined;
  }
  return { service, sourceAccount, sourceArn };
}

/** A client whose calls are a service's. */
export function stsAs(
  principal: ServicePrincipal,
  settings: { endpoint: string; region: string },
): STSClient {
  const client = new STSClient({
    ...settings,
    credentials: { accessKeyId: principal.sourceAccount, secretAccessKey: 'simulated' },
  });
  client.middlewareStack.add(
    (next) => (args) => {
      if (HttpRequest.isInstance(args.request)) {
        args.request.headers[HEADERS.service] = principal.service;
        args.request.headers[HEADERS.sourceAccount] = principal.sourceAccount;
        args.request.headers[HEADERS.sourceArn] = principal.sourceArn;
      }
      return next(args);
    },
    { step: 'build', name: 'sayServicePrincipal' },
  );
  return client;
}
